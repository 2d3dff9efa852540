"""Reports: what happened in a log and how it stands against the specification's targets, for people and for programs.

`document.build` makes one plain document of the events; every form (Markdown, HTML, JSON, JUnit) is written from
it and adds nothing. Invariant: each number names the events that it was counted from, and what was not measured is
null.
"""
