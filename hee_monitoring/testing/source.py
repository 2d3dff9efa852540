"""What HEE relies on of a source of evidence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest

from hee_monitoring.evidence import Conclusion

if TYPE_CHECKING:
    from hee_monitoring.evidence import Source


class SourceContract(ABC):
    """Give it a source, a commit with at least one red job, and one that the source has never seen."""

    unseen = "0" * 40

    @pytest.fixture
    @abstractmethod
    def source(self) -> Source:
        """The source."""

    @property
    @abstractmethod
    def commit(self) -> str:
        """A commit with a red job."""

    def test_it_has_a_name_and_tells_the_same_twice(self, source: Source) -> None:
        assert source.name
        keys = [[job.key for job in run.jobs] for run in source.runs(self.commit)]
        assert keys == [[job.key for job in run.jobs] for run in source.runs(self.commit)]

    def test_a_red_job_is_red_and_says_why(self, source: Source) -> None:
        red = [job for run in source.runs(self.commit) for job in run.jobs if job.conclusion is Conclusion.FAILURE]
        assert red, "the commit has a red job, and the source shows none"
        for job in red:
            assert job.key
            assert isinstance(job.log, bytes)

    def test_every_conclusion_is_a_known_word(self, source: Source) -> None:
        for run in source.runs(self.commit):
            assert all(isinstance(job.conclusion, Conclusion) for job in run.jobs)

    def test_a_commit_it_has_never_seen_is_not_green(self, source: Source) -> None:
        shown = [job for run in source.runs(self.unseen) for job in run.jobs]
        assert not [job for job in shown if job.conclusion is Conclusion.SUCCESS]
