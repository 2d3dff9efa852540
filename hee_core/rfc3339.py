"""One question: is this text an RFC 3339 date-time, with an offset, on a day that exists?

Python's own reader accepts more, and more with every release; a projection must not change with the interpreter.
"""

from __future__ import annotations

import re

_FORM = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_date_time(text: str) -> bool:
    """Says whether the text is `YYYY-MM-DDThh:mm:ss[.fff](Z|±hh:mm)`; leap seconds and the year 0 are refused."""
    match = _FORM.fullmatch(text)
    if match is None:
        return False
    day = match[3]
    if day < "29":
        return match[1] != "0000"
    year, month = int(match[1]), int(match[2])
    if month == 2 and int(day) == 29:
        return year > 0 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return year > 0 and int(day) <= _DAYS[month - 1]
