"""Alerts: what people must be told, when, by which channel, and that they were.

`standing` says what there is to tell, `planning` which messages are due, `message` how one reads: all pure, over the
state of the log. `channels` opens what delivers; `dispatch` delivers and records. Each transition is told once: raised,
escalated when nobody acknowledges in time, closed.
"""
