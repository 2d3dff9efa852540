"""`hee governance spec`: which clauses a test proves, and pending tests for those that none does."""

from __future__ import annotations

from collections import ChainMap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("commit", default="HEAD")
@click.option("--spec", "outside", multiple=True, type=_FILE, help="A specification that is not in the repository.")
@click.option("--junit", multiple=True, type=_FILE, help="Count only Python tests that passed in this report.")
@click.option(
    "--skeletons", type=click.Path(path_type=Path, file_okay=False), help="Write pending tests for open clauses here."
)
@options.as_json
@options.directory
def spec(
    place: str, commit: str, outside: tuple[Path, ...], junit: tuple[Path, ...], skeletons: Path | None, as_json: bool
) -> int:  # fmt: skip
    """Measure spec coverage of a commit; needs no log. Exits 1 while a clause is open or something is unreadable.

    A skeleton is a pytest test, or a Hypothesis property where the clause speaks of every value; it is pending, and
    counts as nothing until it asserts. A file that exists is never overwritten.
    """
    from hee_core.canonical import digest
    from hee_core.git import Repository
    from hee_core.tree import CommitTree
    from hee_core.views import percent
    from hee_governance.analyzer import CoverageAnalyzer
    from hee_governance.skeletons import written
    from hee_monitoring.workspace import load_config

    terminal = options.terminal(as_json)
    repository = Repository.discover(place)
    # The first places of the configuration are where a file from outside is put, so that it counts as a specification.
    given: MutableMapping[str, Any] = {
        f"spec/{digest(str(path).encode())[:8]}-{path.name}": options.content(path) for path in outside
    }
    with CommitTree(repository, repository.commit(commit)) as tree:
        both: MutableMapping[str, Any] = ChainMap(given, tree)  # type: ignore[arg-type]
        _, found = CoverageAnalyzer(load_config(repository)).measure(
            both, junit=[(str(path), options.content(path)) for path in junit]
        )
        marked = b"spec(" in (tree.get("pyproject.toml") or b"")
    made = []
    for clause in found.uncovered if skeletons else ():
        name, text = written(clause, registered=marked)
        target = skeletons / name if skeletons else Path(name)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            made.append(str(target))
    whole = found.value is not None and not found.uncovered
    if as_json:
        terminal.json(
            {"value": percent(found.value), "numerator": found.numerator, "denominator": found.denominator, "inputs": found.inputs,
             "open": [{"clause": c.id, "path": c.path, "line": c.line, "why": c.why or "no test names it"} for c in found.uncovered],
             "orphans": [{"clause": t.clause, "path": t.path, "line": t.line} for t in found.orphans],
             "unreadable": [{"path": path, "line": u.line, "message": u.message} for path, u in found.unreadable],
             "skeletons": made}
        )  # fmt: skip
        return 0 if whole else 1
    terminal.table([(clause.id, clause.why or "no test names it", clause.text) for clause in found.uncovered])
    for path, unreadable in found.unreadable:
        terminal.status("UNKNOWN", f"{path}:{unreadable.line} {unreadable.message}")
    for path in made:
        terminal.line(f"  wrote {path}")
    value = percent(found.value)
    word = "OK" if whole else "UNKNOWN" if value is None else "CRITICAL"
    said = "unknown" if value is None else f"{value} %"
    terminal.status(
        word,
        f"spec coverage {said}: {found.numerator} of {found.denominator} clauses, {len(found.orphans)} traces without a clause",
    )
    return 0 if whole else 1
