"""The last answer of a function, for inputs that are never changed, only replaced.

What follows from a part of the state is so worked out when an event changed that part, and not again for each event.
Which inputs never change is the caller's to know. Invariant: an answer is given again only for the very same objects.
"""

from __future__ import annotations

from functools import wraps
from operator import is_
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def last(work: Callable[P, T]) -> Callable[P, T]:
    """Gives the last answer again while every input is the very same object, and none is named."""
    held: tuple[tuple[Any, ...], Any] | None = None

    @wraps(work)
    def remembering(*inputs: P.args, **named: P.kwargs) -> T:
        nonlocal held
        if held and not named and len(held[0]) == len(inputs) and all(map(is_, held[0], inputs)):
            return cast("T", held[1])
        answer = work(*inputs, **named)
        held = None if named else (inputs, answer)
        return answer

    return remembering
