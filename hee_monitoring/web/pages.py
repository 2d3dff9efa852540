"""Templates to HTML: every text escaped, what a browser would not draw made visible, links that keep the point in time.

Invariant: a value reaches a page only through `shown`, so no text of a log, a diff or a commit can act on its reader: not
as markup, not as a terminal's escape, not by turning the reading direction.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.filters import do_urlencode
from markupsafe import Markup

from hee_governance.measures import percent
from hee_monitoring.reports.plots import state_over_time
from hee_monitoring.reports.words import duration
from hee_monitoring.status import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_monitoring.web.book import Look

_UNSEEN = {
    "Cc",
    "Cf",
    "Co",
    "Cs",
    "Zl",
    "Zp",
}  # controls, format characters (bidi among them), halves of pairs, separators
ICONS = {"OK": "✔", "WARNING": "▲", "CRITICAL": "✖", "UNKNOWN": "?"}
OUTCOMES = {
    "verified": ("OK", "repaired and proved"),
    "applied": ("WARNING", "repaired, waits for its review"),
    "rolled_back": ("WARNING", "rolled back, nothing left behind"),
    "refused": ("WARNING", "refused"),
    "pending_review": ("WARNING", "waits for a review"),
    "": ("UNKNOWN", "under way"),
}


def shown(value: object) -> object:
    """A value as a page may hold it: text with everything that is not drawn named as `⟨U+202E⟩`; escaping comes after."""
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
        return value
    return "".join(
        each
        if each in "\n\t" or unicodedata.category(each) not in _UNSEEN
        else "␛"
        if each == "\x1b"
        else f"⟨U+{ord(each):04X}⟩"
        for each in value
    )


def path(*parts: object, **query: object) -> str:
    """A path of ours from its parts, none of which can leave its place; empty and absent query values are left out."""
    asked = "&".join(f"{name}={do_urlencode(str(value))}" for name, value in query.items() if value not in ("", None))
    where = "/" + "/".join(do_urlencode(str(part)).replace("/", "%2F") for part in parts)
    return f"{where}?{asked}" if asked else where


def when(time: str) -> str:
    """A time to the second, in UTC."""
    return f"{time[:10]} {time[11:19]} UTC" if time else "never"


def plot(course: Mapping[str, Any]) -> Markup:
    """The drawing of a course; what it says of a log are times, numbers and words of the state machine."""
    return Markup(state_over_time(course))  # noqa: S704 - our own drawing, which escapes what it is given


@cache
def environment() -> Environment:
    """The templates, with escaping on for all of them."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(icons=ICONS, outcomes=OUTCOMES, words=WORDS)
    made.filters.update(when=when, percent=percent, duration=duration, plot=plot)
    return made


def render(name: str, look: Look | None, **values: Any) -> str:
    """A page of a look; without one there is no log to stand in."""
    at = look.at if look else ""

    def link(*parts: object, **query: object) -> str:
        return path(*parts, **{"at": at, **query})

    def link_at(point: int | str) -> str:
        return path(*values["here"].strip("/").split("/"), **{**values.get("asked", {}), "at": point})

    return environment().get_template(name).render(look=look, link=link, link_at=link_at, path=path, **values)
