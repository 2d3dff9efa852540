"""A GitHub Actions workflow as judgement reads it: jobs, steps, scripts, each with its line.

Responsible for the shape only; what is wrong with a workflow is said by the rules. A file that cannot be read, or that
is no workflow, is `Unreadable`, so that no rule can pass over it in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hee_governance.document import Node, Unreadable, read
from hee_governance.shell import commands

if TYPE_CHECKING:
    from hee_governance.shell import Command

PLACE = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
_TRUE = re.compile(r"\$\{\{\s*(true|!\s*false)\s*\}\}")
_POSIX = ("bash", "sh")


@dataclass(frozen=True, slots=True)
class Script:
    """What a step runs. `first` is the line of its first line, `exact` says whether later lines follow one by one."""

    text: str
    first: int
    last: int
    exact: bool

    def line(self, offset: int) -> int:
        """The line in the file of a line of the script (from 0); the first one where the form does not tell."""
        return self.first + offset if self.exact else self.first


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `shell` is empty where the platform's default holds."""

    number: int
    line: int
    name: str
    id: str
    uses: Node | None
    script: Script | None
    condition: str
    lenient: Node | None
    shell: str
    directory: Node | None
    inputs: Node | None
    text: str

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands of a POSIX shell script; none where something else interprets it."""
        if self.script is None or (self.shell and self.shell.split()[0].rpartition("/")[2] not in _POSIX):
            return ()
        return commands(self.script.text)

    @property
    def errexit(self) -> bool:
        """Says whether the shell starts with `-e`: the platform's default and its named shells do."""
        return self.shell in ("", *_POSIX) or bool(re.search(r"\s-[a-z]*e", self.shell))

    @property
    def pipefail(self) -> bool:
        """Says whether the shell starts with `pipefail`: only `shell: bash` written out does, not the default."""
        return self.shell == "bash" or "pipefail" in self.shell

    def input(self, name: str) -> str:
        """An input of the action that the step uses."""
        node = self.inputs.get(name) if self.inputs else None
        return node.text if node else ""

    @property
    def label(self) -> str:
        """How people find the step."""
        return self.name or self.id or (self.uses.text if self.uses else f"step {self.number}")


@dataclass(frozen=True, slots=True)
class Job:
    """One job; `needs` are the ids of the jobs it waits for, `text` everything it says, without places."""

    id: str
    line: int
    name: str
    needs: tuple[str, ...]
    condition: str
    lenient: Node | None
    uses: Node | None
    timeout: bool
    permissions: bool
    directory: Node | None
    windows: bool
    steps: tuple[Step, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow file; `lines` are its text, `events` what starts it, `filters` the globs of paths it starts for."""

    path: str
    name: str
    permissions: bool
    line: int
    jobs: tuple[Job, ...]
    directory: Node | None = None
    lines: tuple[str, ...] = field(default=(), repr=False)
    events: tuple[str, ...] = ()
    filters: tuple[Node, ...] = ()

    def comment(self, *lines: int) -> str:
        """The comments at some lines and in the unbroken run of comment lines above each, as one text."""
        found: list[str] = []
        for line in lines:
            first = line - 1
            while first > 0 and self.lines[first - 1].lstrip().startswith("#"):
                first -= 1
            found.extend(_comments_of(self.lines[first:line]))
        return " ".join(dict.fromkeys(found))


def parse(path: str, data: bytes) -> Workflow | Unreadable:
    """Reads a workflow file."""
    tree = read(data)
    if isinstance(tree, Unreadable):
        return tree
    jobs = tree.get("jobs")
    if jobs is None or not isinstance(jobs.value, dict) or not jobs.value:
        return Unreadable(jobs.line if jobs else tree.line, "has no jobs")
    shell, directory = _defaults(tree)
    found: list[Job] = []
    for key, node in jobs.items():
        if not isinstance(node.value, dict):
            return Unreadable(node.line, f"job {key!r} is not a mapping")
        job = _job(key, node, shell, directory)
        if isinstance(job, Unreadable):
            return job
        found.append(job)
    lines = tuple(data.decode("utf-8-sig").splitlines())
    permissions = tree.get("permissions") is not None
    events, filters = _started(tree.get("on"))
    return Workflow(path, _text(tree, "name"), permissions, jobs.line, tuple(found), directory, lines, events, filters)


def _started(node: Node | None) -> tuple[tuple[str, ...], tuple[Node, ...]]:
    """The events that start a workflow, and the lists of path globs that they are held to."""
    if node is None:
        return (), ()
    if isinstance(node.value, dict):
        filters = (event.get("paths") for _, event in node.items())
        return tuple(node.value), tuple(entry for entry in filters if entry and isinstance(entry.value, list))
    return tuple(each.text for each in (node.value if isinstance(node.value, list) else [node])), ()


def _job(key: str, node: Node, shell: str, directory: Node | None) -> Job | Unreadable:
    own_shell, own_directory = _defaults(node)
    steps = node.get("steps")
    reused = node.get("uses")
    if steps is None and reused is None:
        return Unreadable(node.line, f"job {key!r} has no steps")
    if steps is not None and not isinstance(steps.value, list):
        return Unreadable(steps.line, f"the steps of job {key!r} are not a list")
    found: list[Step] = []
    for number, entry in enumerate(steps.value if steps else (), 1):
        if not isinstance(entry.value, dict) or not (entry.get("run") or entry.get("uses")):
            return Unreadable(entry.line, f"step {number} of job {key!r} has neither `run` nor `uses`")
        found.append(_step(number, entry, own_shell or shell))
    needs = node.get("needs")
    listed = needs.value if needs and isinstance(needs.value, list) else [needs] if needs else []
    return Job(
        id=key,
        line=node.line,
        name=_text(node, "name"),
        needs=tuple(entry.text for entry in listed),
        condition=_text(node, "if"),
        lenient=_lenient(node),
        uses=reused,
        timeout=node.get("timeout-minutes") is not None,
        permissions=node.get("permissions") is not None,
        directory=own_directory or directory,
        windows="windows" in str(node.get("runs-on").plain if node.get("runs-on") else "").lower(),  # type: ignore[union-attr]
        steps=tuple(found),
        text=str(node.plain),
    )


def _step(number: int, entry: Node, shell: str) -> Step:
    run = entry.get("run")
    script = None
    if run is not None and isinstance(run.value, str):
        block = run.style == "|"
        single = run.start == run.end
        script = Script(run.value, run.start + block, run.end, block or single)
    return Step(
        number=number,
        line=entry.line,
        name=_text(entry, "name"),
        id=_text(entry, "id"),
        uses=entry.get("uses"),
        script=script,
        condition=_text(entry, "if"),
        lenient=_lenient(entry),
        shell=_text(entry, "shell") or shell,
        directory=entry.get("working-directory"),
        inputs=entry.get("with"),
        text=str(entry.plain),
    )


def _defaults(node: Node) -> tuple[str, Node | None]:
    defaults = node.get("defaults")
    run = defaults.get("run") if defaults else None
    return (_text(run, "shell"), run.get("working-directory")) if run else ("", None)


def _lenient(node: Node) -> Node | None:
    """The `continue-on-error` that is plainly true; an expression may have its reasons."""
    found = node.get("continue-on-error")
    return found if found and (found.value is True or _TRUE.fullmatch(found.text)) else None


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return found.text if found else ""


def _comments_of(rows: tuple[str, ...]) -> list[str]:
    return [match[1].strip() for row in rows if (match := re.search(r"(?:^|\s)#+\s?(.*)", row)) and match[1].strip()]
