"""The log in a git branch keeps the contract, in repositories of both hash functions."""

from __future__ import annotations

import pytest
from contracts.log_contract import LogContract, note
from logs import make_log

from hee_core.clock import FixedClock
from hee_core.gitstore import open_log
from hee_core.keys import EphemeralSigner


class GitLogContract(LogContract):
    object_format = "sha1"

    @pytest.fixture
    def log(self, tmp_path):
        with make_log(tmp_path / "repository", object_format=self.object_format, clock=FixedClock()) as log:
            yield log

    def again(self, log):
        return open_log(log.store.repository.git_dir, signer=log.signer, clock=log.clock)


class TestGitLog(GitLogContract):
    @pytest.mark.spec("SEED-005", "SEED-313")
    def test_a_snapshot_saves_the_replay_and_changes_nothing(self, log):
        for n in range(5):
            log.append([note(str(n))])
        log.close()
        with self.again(log) as fresh, self.again(log) as slow:
            slow.keep_snapshots = False
            (log.store.directory / "snapshot").rename(log.store.directory / "away")
            expected = slow.state
            (log.store.directory / "away").rename(log.store.directory / "snapshot")
            assert fresh.state == expected
            assert fresh.append([note("more")]).index == 6

    @pytest.mark.parametrize("damage", [b"", b"\0" * 100, b"AAAA\n{}", None])
    def test_a_snapshot_that_cannot_be_trusted_is_left_out(self, log, damage):
        log.append([note("x")])
        log.close()
        path = log.store.directory / "snapshot"
        data = path.read_bytes()
        path.chmod(0o644)
        if damage is None:  # whole, but signed by a key of somebody else
            from hee_core import snapshot

            path.write_bytes(snapshot.dump(log.refresh(), EphemeralSigner()))
        else:
            path.write_bytes(damage)
        assert path.read_bytes() != data
        with self.again(log) as fresh:
            assert (len(fresh), fresh.state) == (2, log.state)

    @pytest.mark.parametrize("damage", [b"", b"not a database at all, but long enough to look at" * 40])
    def test_an_index_of_ids_that_is_damaged_is_made_anew(self, log, damage):
        events = [note(str(n)) for n in range(300)]
        log.append(events)
        log.close()
        path = log.store.directory / "ids"
        assert path.stat().st_size > 300 * 16
        path.write_bytes(damage)
        with self.again(log) as fresh:
            assert fresh.append(events[:3]).index == 3
            assert len(fresh) == 301

    def test_an_index_of_ids_that_lies_is_found_out(self, log):
        import sqlite3

        events = [note(str(n)) for n in range(300)]
        log.append(events)
        log.close()
        with sqlite3.connect(log.store.directory / "ids") as file:
            file.execute("UPDATE ids SET place = 300 - place")
        file.close()
        with self.again(log) as fresh:
            assert fresh.append([events[9]]).index == 10
            assert len(fresh) == 301


class TestGitLogSha256(GitLogContract):
    object_format = "sha256"
