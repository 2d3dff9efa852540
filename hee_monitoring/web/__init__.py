"""The pages: how things stand, in a browser, rendered here and working without a script (extra `web`).

`book` reads the log and knows every earlier point of it, each of `views` makes what one page shows, `drawing` the
pictures, `pages` the text, `guard` who is let in, `app` the paths, `server` the socket. Invariant: pages only read; the
one thing that writes takes what a person signed elsewhere (`hee_monitoring.signedrequest`).
"""
