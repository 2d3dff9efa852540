"""Makes generated files again with the generator that the gate itself names: what a workflow runs before `git diff --exit-code`.

Only where the workflows name exactly one, and it does no more than change files. Tried where a person approved it: a generator is the
repository's own code, and what it writes is not looked at by a tool.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.ownfixers import does_more
from hee_monitoring.fixes.strategy import Change, Declined, Terms
from hee_monitoring.fixes.toolcache import Tool
from hee_monitoring.fixes.toolversion import steps, workflows, yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

_COMPARES = re.compile(
    r"^[^\n#]*\bgit (?:--no-pager )?(?:diff\b[^\n|]*(?:--exit-code|--quiet)|status\b[^\n]*--porcelain)", re.MULTILINE
)


class GeneratedFiles:
    """The repository's own generator."""

    name = "generated-files"
    rows: tuple[str, ...] = ("drift",)
    network = False
    terms = Terms(paths=("**",), keeps=Keeps.SYNTAX, whole_tree=True)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:  # noqa: ARG002
        """Only where one workflow compares what one generator makes."""
        found = sorted(set(generators(tree)))
        if len(found) != 1:
            return (
                f"the workflows name {len(found) or 'no'} generator{'' if len(found) == 1 else 's'} before a comparison"
            )
        return "the generator does more than change files" if does_more(found[0]) or "${{" in found[0] else None

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Runs the generator as the workflow does, without network."""
        script = next(generators(tree))
        done = tools.run(Tool("generator", "", ("bash", "-e", "-c", script), "a workflow"))
        if done.timed_out or done.exit_code != 0:
            return Declined(f"the generator of the workflow did not succeed here (exit status {done.exit_code})")
        return Change("Keep what the workflow's own generator writes", "the repository's generator")


def generators(tree: Path) -> Iterator[str]:
    """What each job runs just before it compares the tree with the commit: earlier lines of the step, else the step before."""
    for path in workflows(tree):
        workflow = yaml(tree, path)
        jobs = workflow.get("jobs") if isinstance(workflow, dict) else None
        for job in jobs.values() if isinstance(jobs, dict) else ():
            before = ""
            for step in steps({"jobs": {"job": job}}):
                run = str(step.get("run", ""))
                if compares := _COMPARES.search(run):
                    script = run[: compares.start()].strip() or before
                    if script:
                        yield script
                before = run.strip() or before
