"""The error tree. Every error has a stable code and a hint that says what to do next.

    HeeError
    ├── EventError          the event is malformed or its payload breaks the catalogue
    │   └── OtherState      a rollback names another state than the one that the events give
    ├── LogError            the log cannot be opened, read or written
    │   ├── LogNotFound     there is no log here yet
    │   ├── Conflict        somebody appended first; always retryable
    │   ├── Frozen          a freeze stops writes until a person ends it
    │   └── IllegalTransition   the specification's state machine has no such edge
    ├── IntegrityError      bytes, chain, signature or projection do not hold
    ├── KeyFault            a signing key is missing, unreadable or not allowed
    ├── GitError            git refused, is missing or is too old
    ├── ConfigError         the configuration breaks its schema
    ├── CapsuleError        a capsule cannot be read or breaks its schema
    ├── NotFound            a point, event, issue or pattern that does not exist
    └── SourceError         a CI source cannot be read
        ├── ToolMissing     a program that the work needs is not installed
        ├── Unauthorized    the source does not accept the token, or the token may not do this
        ├── Declined        the source does not do what it was asked for
        ├── RateLimited     the source asks for a pause, or the budget of requests is used up
        └── Unreachable     the source does not answer, or what it answers cannot be read

A refusal (denied, gate failed, fix skipped) is a value and an event, never an exception.
"""

from __future__ import annotations


class HeeError(Exception):
    """Root of all errors; `code` is stable, `hint` is the next step for a person."""

    code = "hee"

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keeps the hint apart from the message, so that programs can show either."""
        super().__init__(message)
        self.hint = hint


class EventError(HeeError):
    """An event is malformed, or its payload does not fit the catalogue."""

    code = "event"


class OtherState(EventError):
    """A rollback names another state than its events give: a false one, or that of a program that folds other events."""


class LogError(HeeError):
    """The log cannot be opened, read or written."""

    code = "log"


class LogNotFound(LogError):
    """The repository has no log yet."""

    code = "log-not-found"


class Conflict(LogError):
    """The log moved past the expected head: read again and retry."""

    code = "conflict"


class Frozen(LogError):
    """A freeze refuses writes until a person ends it."""

    code = "frozen"


class IllegalTransition(LogError):
    """The state machine of the specification has no such edge."""

    code = "illegal-transition"


class IntegrityError(HeeError):
    """Bytes, chain, signature or projection do not hold."""

    code = "integrity"


class KeyFault(HeeError):
    """A signing key is missing, unreadable or not allowed to do this."""

    code = "key"


class GitError(HeeError):
    """Git refused, is missing, or is too old."""

    code = "git"


class ConfigError(HeeError):
    """The configuration breaks its schema; the message has the pointer and the line."""

    code = "config"


class CapsuleError(HeeError):
    """A capsule cannot be read, or breaks its schema."""

    code = "capsule"


class NotFound(HeeError):
    """A point, event, issue or pattern that does not exist."""

    code = "not-found"


class SourceError(HeeError):
    """A CI source cannot be read."""

    code = "source"


class ToolMissing(SourceError):
    """A program that the work needs is not installed."""

    code = "tool-missing"


class Unauthorized(SourceError):
    """The source does not accept the token, or the token may not do this."""

    code = "unauthorized"

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        """Keeps the status: 401 is about the token, 403 about what it asked for."""
        super().__init__(message, hint=hint)
        self.status = status


class Declined(SourceError):
    """The source does not do what it was asked, or take what it was told."""

    code = "declined"

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        """Keeps the status: 404 and 410 are about the place, 422 about what was told."""
        super().__init__(message, hint=hint)
        self.status = status


class RateLimited(SourceError):
    """The source asks for a pause; `wait` is in seconds."""

    code = "rate-limited"

    def __init__(self, message: str, *, wait: float, hint: str = "") -> None:
        """Keeps how long to wait."""
        super().__init__(message, hint=hint)
        self.wait = wait


class Unreachable(SourceError):
    """The source does not answer, or what it answers cannot be read."""

    code = "unreachable"
