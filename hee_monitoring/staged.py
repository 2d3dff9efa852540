"""What is about to be committed, held against the rules and, where an agent commits, against the policy of repairs.

Reads the index and HEAD, writes nothing and asks nobody. Invariant: a finding is one that this commit would add; what
stood there before does not stop anybody.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hee_core.git import index_of_hook
from hee_core.tree import CommitTree
from hee_governance.capsules import ROOT, is_capsule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.git import Repository
    from hee_core.projection import State
    from hee_governance.config import Config
    from hee_governance.rules import Report
    from hee_monitoring.fixes.changes import FileChange

AGENT = "hee-monitor@example.com"
JUDGED = (".github/workflows/", "prompts/", "docs/", "hee.yaml")


@dataclass(frozen=True)
class Staged:
    """The difference between HEAD and the index: a status letter by path (A, D, M, T, U for not merged)."""

    repository: Repository

    @cached_property
    def changes(self) -> dict[str, str]:
        """Each staged path with what happens to it; a rename is a deletion and an addition."""
        options = ("--cached", "--name-status", "--no-renames", "-z")
        listed = self.repository.run("diff-index", *options, self._base, env=index_of_hook())
        fields = listed.decode("utf-8", "replace").split("\0")
        return {path: status[:1] for status, path in zip(fields[::2], fields[1::2], strict=False)}

    @cached_property
    def head(self) -> str:
        """The commit that this one would follow; empty before the first."""
        return self.repository.ref("HEAD^{commit}") or ""

    @property
    def _base(self) -> str:
        return self.head or self.repository.text("hash-object", "-t", "tree", os.devnull)

    @property
    def matters(self) -> bool:
        """Whether any rule could say something else than before: of code that only grows or changes, none can."""
        return any(
            status in "DU" or path.startswith(JUDGED) or is_capsule(path) for path, status in self.changes.items()
        )

    @property
    def capsules(self) -> list[str]:
        """The staged capsule files that are still there."""
        return [path for path, status in self.changes.items() if status != "D" and is_capsule(path)]

    def introduced(self, config: Config) -> Report:
        """The rules' findings that are in the index and not in HEAD."""
        from hee_governance import rules
        from hee_governance.validator import GovernanceValidator

        with CommitTree(self.repository, "") as tree:
            after = rules.check(tree, config)
        if not self.head:
            return after
        with CommitTree(self.repository, self.head) as tree:
            before = rules.check(tree, config)
        return GovernanceValidator(config).introduced(before, after)

    def by_agent(self) -> bool:
        """Whether an agent is about to commit: by the actor of its key, or by the author that git would write."""
        actor = os.environ.get("HEE_ACTOR", "")
        author = (
            os.environ.get("GIT_AUTHOR_EMAIL")
            or self.repository.attempt("config", "user.email").stdout.decode().strip()
        )
        return actor.partition(":")[0] in ("agent", "ci") or author == AGENT

    def refused(self, config: Config, state: State | None) -> list[str]:
        """What the policy of repairs says against this commit, were it one; capsules may always be published."""
        from hee_governance.decisions import Decision
        from hee_monitoring.fixes.diffpolicy import Policy, check

        ours = [change for change in self._files() if not change.path.startswith(ROOT)]
        policy = Policy(allowed=(config.fix_paths or ("**",),), denied=config.deny_paths)
        said = [str(violation) for violation in check(ours, policy)]
        paths = tuple(change.path for change in ours)
        for name, record in (state.decisions if state else {}).items():
            if record["kind"] == "standing" and (denied := Decision.of(name, record).denied(paths)):
                said.append(f"{denied[0]}: decision {name} forbids to change it: {record['statement']}")
        return said

    def _files(self) -> Sequence[FileChange]:
        from hee_monitoring.fixes.changes import FileChange

        found = []
        with CommitTree(self.repository, self.head or self._base) as old, CommitTree(self.repository, "") as new:
            for path in self.changes:
                before, after = old.get(path), new.get(path)
                modes = (old.modes.get(path, "100644"), new.modes.get(path, "100644"))
                found.append(FileChange(path, before, after, *modes))
        return found
