"""What HEE relies on of rules."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import date
from typing import TYPE_CHECKING

from hee_governance.rules import SEVERITIES, check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hee_governance.rules import Rule

_ID = re.compile(r"[A-Z]{2,5}(-[A-Z]{1,8})*-[0-9]{3}")


class RuleContract(ABC):
    """Give it rules, a tree that keeps all of them, and for each a tree that breaks it (path -> bytes)."""

    @property
    @abstractmethod
    def rules(self) -> Sequence[Rule]:
        """The rules."""

    @property
    @abstractmethod
    def good(self) -> Mapping[str, bytes]:
        """A tree that keeps them."""

    @property
    @abstractmethod
    def bad(self) -> Mapping[str, Mapping[str, bytes]]:
        """For the id of each rule, a tree that breaks it."""

    def test_each_says_what_it_is(self) -> None:
        assert len({rule.id for rule in self.rules}) == len(self.rules)
        for rule in self.rules:
            assert _ID.fullmatch(rule.id), rule.id
            assert rule.severity in SEVERITIES
            assert all((rule.clause, rule.source, rule.looks_at, rule.remedy)), f"{rule.id} does not say all"
            date.fromisoformat(rule.valid_from)

    def test_the_good_tree_is_looked_at_and_keeps_each_rule(self) -> None:
        for rule in self.rules:
            report = check(self.good, rules=(rule,))
            assert (report.verdict, report.findings) == ("pass", ()), rule.id
            assert report.evaluated > 0, f"{rule.id} looked at nothing"

    def test_each_bad_tree_breaks_its_rule_in_a_place_that_is_there(self) -> None:
        for rule in self.rules:
            tree = self.bad[rule.id]
            report = check(tree, rules=(rule,))
            assert report.findings, rule.id
            for finding in report.findings:
                lines = tree[finding.path].count(b"\n") + 1 if finding.path in tree else 0
                assert finding.path in tree or finding.path in (".", ""), f"{rule.id} names {finding.path!r}"
                assert 0 <= finding.line <= max(lines, 0), f"{rule.id} names line {finding.line} of {finding.path}"
                assert finding.remedy, f"{rule.id} does not say what to do"

    def test_what_cannot_be_read_never_passes(self) -> None:
        for rule in self.rules:
            broken = dict.fromkeys(self.good, b"\xff\xfe\x00{]")
            assert check(broken, rules=(rule,)).verdict != "pass" or not check(broken, rules=(rule,)).evaluated, rule.id

    def test_more_violations_never_help(self) -> None:
        for rule in self.rules:
            both = {**self.good, **self.bad[rule.id]}
            assert len(check(both, rules=(rule,)).findings) >= len(check(self.good, rules=(rule,)).findings)
