"""A message about one alert or about many, as words and as a document. Pure.

What comes from a log is somebody else's text: it is cut to one line and cannot reach anybody by a name (`@all`), and it
was redacted before it was recorded. Invariant: a message about a thousand alerts is about as long as one about ten.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from hee_core.catalogue import Level, Stage
    from hee_monitoring.alerting.standing import Alert

VERSION = "1.0"
SHOWN = 10
_LINE = 300
_STAGES = {"raised": "", "escalated": "nobody acknowledged: ", "closed": "over: "}


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is to say: `name` is the same at each try, `alerts` are worst first."""

    name: str
    stage: Stage
    alerts: tuple[Alert, ...]
    attempt: int = 1

    @property
    def severity(self) -> Level:
        """That of the worst alert."""
        return self.alerts[0].severity

    def title(self, repository: str) -> str:
        """One line: what, how bad, where."""
        first = self.alerts[0]
        what = first.title if len(self.alerts) == 1 else self._counted()
        word = "OK" if self.stage == "closed" else first.severity.upper()
        return one_line(f"{word} {repository}: {_STAGES[self.stage]}{what}", 200)

    def text(self, repository: str) -> str:
        """The message for a person, in plain lines."""
        lines = [self.title(repository)]
        for alert in self.alerts[:SHOWN]:
            lines += _lines(alert, alone=len(self.alerts) == 1)
        if len(self.alerts) > SHOWN:
            lines.append(f"and {len(self.alerts) - SHOWN} more: `hee alerts` lists them")
        if self.stage != "closed":
            lines.append(f"seen to: hee alerts acknowledge {self.alerts[0].name}")
        return "\n".join(lines)

    def document(self, repository: str, log_id: str) -> dict[str, Any]:
        """The message for a program; `hee_monitoring/schemas/alert.json` describes it."""
        return {
            "version": VERSION,
            "message": self.name,
            "stage": self.stage,
            "severity": self.severity,
            "repository": repository,
            "log": log_id,
            "title": self.title(repository),
            "text": self.text(repository),
            "count": len(self.alerts),
            "alerts": [asdict(alert) for alert in self.alerts[:SHOWN]],
            "names": [alert.name for alert in self.alerts[:1000]],
        }

    def _counted(self) -> str:
        kinds = Counter(alert.category or "other" for alert in self.alerts)
        named = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(4))
        return f"{len(self.alerts)} alerts ({named}{', …' if len(kinds) > 4 else ''})"


def one_line(text: str, limit: int = _LINE) -> str:
    """Foreign text on one line, cut, with nothing in it that calls a person or a group."""
    return publishable(" ".join(text.split()).replace("@", "(at)"), limit=limit)


def _lines(alert: Alert, *, alone: bool) -> list[str]:
    if not alone:
        return [one_line(f"- {alert.severity} {alert.title} [{alert.name}]")]
    found = [f"where: {alert.where}"] if alert.where else []
    found += [f"proof: {alert.proof}"] if alert.proof else []
    found += [f"why: {alert.why}"] if alert.why else []
    found += [f"next: {alert.next_step}"] if alert.next_step else []
    found.append(f"alert: {alert.name}" + (f", seen {alert.count} times" if alert.count > 1 else ""))
    return [one_line(line) for line in found]
