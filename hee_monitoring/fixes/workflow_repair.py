"""Replaces what GitHub retired in workflows: versions of its own actions, and commands that a step prints.

Only where a person approved it, and only text that has one successor: an action that is pinned to a commit, an output whose text
may have more lines, an artifact that several jobs of a matrix upload are left to people. The result is held against zizmor, and against
actionlint where that is installed: neither may find more than before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_monitoring.fixes import workflowlint
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Declined, Terms
from hee_monitoring.fixes.toolversion import steps, workflows, yaml

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.tools import Tools

# The last retired version and the first later one that its notice, or the runtime in its action.yml, allows. What each row rests on:
# artifact actions: github.blog/changelog/2024-02-12 (v3 fails from 2025-01-30, "v4") and 2024-02-13 (v1 and v2); cache: 2024-12-05
#   (v1 and v2 fail, "v3/v4"; v4 is taken, since v3 runs on node16); cache/save and cache/restore are only there since v3, so no row;
# the others: 2024-09-25-end-of-life-for-actions-node16, with `runs.using` as the tags of each repository have it (node12 or node16 up to
#   the first number, node20 at the second); such an action is "too old" for actionlint, while GitHub runs it on a newer Node;
# CodeQL: 2025-01-10-code-scanning-codeql-action-v2-is-now-deprecated (v1 and v2, "v3+").
# Node 20 has an end too (2025-09-19): going on to the versions for Node 24 is left to people, since they do more (setup-node v5 caches).
_SUCCESSORS = {
    "actions/upload-artifact": (3, 4), "actions/download-artifact": (3, 4), "actions/cache": (2, 4), "actions/checkout": (3, 4),
    "actions/setup-python": (4, 5), "actions/setup-node": (3, 4), "actions/setup-go": (4, 5), "actions/setup-java": (3, 4),
    "github/codeql-action/init": (2, 3), "github/codeql-action/analyze": (2, 3), "github/codeql-action/autobuild": (2, 3),
    "github/codeql-action/upload-sarif": (2, 3),
}  # fmt: skip
_USES = re.compile(r"(?P<before>\buses:\s*['\"]?)(?P<action>[\w./-]+)@v(?P<major>\d+)(?P<rest>(?:\.\d+)*)(?=['\"\s]|$)")
# 2020-10-01-github-actions-deprecating-set-env-and-add-path-commands (both are refused since), and 2022-10-11 for the two others,
# whose announced end (2023-05-31) passed while runs went on to warn only.
_FILES = {
    "set-output": "GITHUB_OUTPUT",
    "save-state": "GITHUB_STATE",
    "set-env": "GITHUB_ENV",
    "add-path": "GITHUB_PATH",
}
_COMMAND = re.compile(
    r"\becho +(?P<quote>[\"']?)::(?P<command>set-output|save-state|set-env|add-path)(?: +name=(?P<name>[\w.-]+))?::(?P<value>[^\"'\n]*?)(?P=quote)(?P<end>[ \t]*(?:['\"]?[ \t]*$|;|&&))",
    re.MULTILINE,
)
_OTHER_SHELL = re.compile(
    r"\bshell:\s*['\"]?(?:pwsh|powershell|cmd|python)|\bwindows-"
)  # they write to files in other words
_PLACES = (".github/workflows/**", ".github/actions/**")


class WorkflowRepair:
    """Retired versions and commands, to what replaced them."""

    name = "workflow-repair"
    rows: tuple[str, ...] = ("workflow-config", "lint")
    network = False
    terms = Terms(paths=_PLACES, keeps=Keeps.NOTHING, reviewed=_PLACES)

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """Only where the failure is about what GitHub retired, and a workflow has some of it."""
        said = f"{diagnosis.title} {diagnosis.text}".casefold()
        if not re.search(r"deprecated|too old to run|command is disabled|missing download info", said):
            return "the failure is not about what GitHub retired"
        return None if workflows(tree) else "the repository has no workflow"

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:  # noqa: ARG002
        """Replaces it in every workflow; one that the linters like less than before is nobody's repair."""
        new: dict[str, bytes] = {}
        for path in workflows(tree):
            data = tools.read(path) or b""
            text = data.decode("utf-8", "surrogateescape")
            if "upload-artifact" in text and (fault := _shared_artifact(yaml(tree, path))):
                return Declined(f"{path}: {fault}")
            repaired = _USES.sub(_successor, text)
            if not _OTHER_SHELL.search(text):
                repaired = _COMMAND.sub(_environment_file, repaired)
            changed = repaired.encode("utf-8", "surrogateescape")
            if changed != data:
                new[path] = changed
        if not new:
            return Declined("no workflow has anything retired that has exactly one successor")
        before = workflowlint.findings(tools, sorted(new))
        for path, changed in new.items():
            tools.write(path, changed)
        worse = workflowlint.findings(tools, sorted(new)) - before
        if worse:
            return Declined(f"a linter of workflows would find more: {min(worse)}")
        count = f"{len(new)} workflow{'' if len(new) == 1 else 's'}"
        return Change(f"Replace what GitHub retired in {count}", f"HEE, held against {workflowlint.named(tools)}")


def _successor(found: re.Match[str]) -> str:
    last, later = _SUCCESSORS.get(found["action"], (0, 0))
    return f"{found['before']}{found['action']}@v{later}" if int(found["major"]) <= last else found[0]


def _environment_file(found: re.Match[str]) -> str:
    """The same as a line of an environment file; what the text may do to it otherwise leaves it as it is."""
    command, name, value, quote = found["command"], found["name"], found["value"], found["quote"]
    if "%0A" in value or "%0D" in value or (name is None) != (command == "add-path"):
        return found[0]
    said = value if name is None else f"{name}={value}"
    mark = quote or ('"' if not found["end"].strip().startswith('"') else "'")
    return f'echo {mark}{said}{mark} >> "${_FILES[command]}"{found["end"]}'


def _shared_artifact(workflow: object) -> str:
    """Since v4 an artifact has one upload: says which one of a workflow has more, or may have."""
    jobs = workflow.get("jobs") if isinstance(workflow, dict) else None
    seen: set[str] = set()
    for job in jobs.values() if isinstance(jobs, dict) else ():
        matrix = isinstance(job, dict) and isinstance(job.get("strategy"), dict) and "matrix" in job["strategy"]
        for step in steps({"jobs": {"job": job}}):
            if not str(step.get("uses", "")).startswith("actions/upload-artifact@"):
                continue
            given = step.get("with")
            name = str(given.get("name", "artifact")) if isinstance(given, dict) else "artifact"
            if name in seen or (matrix and "matrix." not in name and "strategy." not in name):
                return f"the artifact {name[:60]} would be uploaded more than once, which v4 refuses"
            seen.add(name)
    return ""
