"""Payloads checked without their models: the quick yes for what the catalogue's models accept.

Loading the models takes longer than everything else that appending one event needs. Responsible for saying yes, and
for the stored form that goes with it, and for what earlier versions become; every no is for `catalogue` to judge and to
explain. Invariant: what `stored`
returns is what the models of the catalogue make of the same data; `form_table` is held equal to them by a test.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hee_core.form_table import FORMS, PAST
from hee_core.upcasters import UPCASTERS

if TYPE_CHECKING:
    from collections.abc import Mapping


class _OtherError(Exception):
    """The value is not plainly fit."""


def stored(type_: str, version: int, data: object) -> dict[str, Any] | None:
    """A payload as the log keeps it, with its defaults filled in; None for what has to be shown to its model."""
    form = FORMS.get(type_)
    if form is None or form[0] != version:
        return None
    try:
        return _object(form[1], data)
    except (_OtherError, RecursionError):
        return None


def version(type_: str) -> int:
    """The newest version of a type's payload; 0 for a type that does not exist."""
    return FORMS.get(type_, (0, {}))[0]


def newer(type_: str, version: int) -> bool:
    """Says whether only a later program knows what such an event means: its type, or this version of it."""
    form = FORMS.get(type_)
    return form is None or version > form[0]


def upcast(type_: str, version: int, data: object) -> dict[str, Any] | None:
    """A payload of an earlier version in the form of the newest; None unless it fits the version that it says it is of."""
    try:
        made = _object(PAST[type_, version], data)
    except (KeyError, _OtherError, RecursionError):
        return None
    for step in range(version, FORMS[type_][0]):
        made = UPCASTERS[type_, step](made)
    return made


def _object(fields: Mapping[str, tuple[Any, ...]], value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _OtherError
    made: dict[str, Any] = {}
    left = len(value)
    for name, (form, *default) in fields.items():
        if name in value:
            made[name] = _value(form, value[name])
            left -= 1
        elif default:
            made[name] = default[0].copy() if isinstance(default[0], (list, dict)) else default[0]
        else:
            raise _OtherError
    if left:
        raise _OtherError
    return made


def _value(form: tuple[Any, ...], value: Any) -> Any:
    match form[0]:
        case "text":
            _, least, most, pattern = form
            if type(value) is not str or not least <= len(value) <= most or not _encodable(value):
                raise _OtherError
            if pattern and not _pattern(pattern).fullmatch(value):
                raise _OtherError
            return value
        case "number":
            if type(value) is not int or not form[1] <= value <= form[2]:
                raise _OtherError
            return value
        case "flag":
            if type(value) is not bool:
                raise _OtherError
            return value
        case "word":
            if type(value) is not type(form[1]) or value not in form[1:]:
                raise _OtherError
            return value
        case "maybe":
            return None if value is None else _value(form[1], value)
        case "list":
            if type(value) not in (list, tuple) or len(value) < form[2]:
                raise _OtherError
            return [_value(form[1], item) for item in value]
        case "map":
            if not isinstance(value, dict) or not all(type(key) is str and _encodable(key) for key in value):
                raise _OtherError
            return {key: _value(form[1], item) for key, item in value.items()}
        case _:
            return _object(form[1], value)


@lru_cache(maxsize=64)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.removeprefix("^").removesuffix("$"))


def _encodable(text: str) -> bool:
    """Says whether the text has UTF-8 bytes: half a surrogate pair has none."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
