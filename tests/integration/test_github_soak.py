"""A month of a repository on GitHub, with faults: what happened is in the log, each failure once, and nothing leaks."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from github_world import RUFF, SECRET, green, red, world

import hee_core
from hee_core.errors import HeeError
from hee_monitoring.watch import watch

CANARY = "ghp_" + "Ya5Kop" * 6
FAULTS = ("502", "reset", "garbage", "pause", "limit", "401", "reordered", "skew", "short", "404")
LIMIT = 120


@pytest.mark.slow
@pytest.mark.spec("SEED-050", "SEED-190", "SEED-213", "SEED-227", "SEED-228", "SEED-229")
def test_a_month_ends_with_exactly_the_failures_that_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.environ.get("HEE_SOAK") == "1"
    polls, seed = (1_440, 7) if whole else (28, 7)  # a look every half hour of the month
    chance = random.Random(seed)
    with world(tmp_path / "r") as hub:
        monkeypatch.setattr("hee_monitoring.watch.platform", lambda *_: hub.follower)
        hub.server.limit = LIMIT
        hub.calm()
        happened: list[tuple[int, int]] = []
        open_runs: list = []
        settled: list = []
        told: list[str] = []
        hours: dict[int, int] = {}
        count = 0

        def happen() -> None:
            for _ in range(chance.choice((0, 0, 0, 1, 1, 3))):
                open_runs.append(hub.server.run(None, branch=chance.choice(("main", "main", "feature", "fix"))))
            for run in [run for run in open_runs if chance.random() < 0.6]:
                open_runs.remove(run)
                bad = chance.random() < 0.35
                log = RUFF.replace(b"a.py", b"f%d.py" % chance.randrange(6)) + f"token: {CANARY}\n".encode()
                hub.server.finish(run, "failure" if bad else "success", [red(log=log)] if bad else [green()])
                if bad:
                    happened.append((run.run_id, run.attempt))
                settled.append(run)
            if settled and chance.random() < 0.05:
                run = settled[-1]
                hub.server.again(run, None)
                settled.remove(run)
                open_runs.append(run)
            if chance.random() < 0.25:
                hub.server.fail(
                    chance.choice(FAULTS), chance.choice(("/runs?", "/jobs", "/logs", "")), chance.choice((1, 1, 5))
                )

        def pause(seconds: float) -> None:
            nonlocal count
            count += 1
            hour = int(hub.client.clock.monotonic() // 3600)
            hours[hour] = hours.get(hour, 0) + len(hub.asked())
            hub.clock.sleep(max(seconds, 30 * 86400 / polls))
            if count < polls:
                happen()

        trouble = lambda error: told.append(f"{error} {error.hint}")  # noqa: E731
        looks = watch(hub.workspace, fix=False, pause=pause, trouble=trouble, stop=lambda: count >= polls)
        for _, result in looks:
            told += [*result.notes, *result.unknown.values()]
        hub.server.faults.clear()
        hub.afresh()
        for _ in range(12):
            hub.clock.sleep(3700)
            try:
                hub.poll(fix=False)
            except HeeError as error:
                told.append(str(error))
        seen = [(d["run_id"], d["attempt"]) for d in hub.events("ci.failure_detected") if d["run_id"]]
        assert sorted(seen) == sorted(happened)
        assert len(seen) > 5
        assert (hub.server.exceeded, hub.server.leaked) == (0, [])
        assert max(hours.values()) <= LIMIT
        assert hee_core.verify(hub.workspace.log).ok
        for secret in (SECRET, CANARY):
            assert secret not in " ".join(told)
            for place in (hub.root, hub.workspace.work, Path(os.environ["HEE_HOME"])):
                assert not any(secret.encode() in path.read_bytes() for path in place.rglob("*") if path.is_file())
            assert not any(secret in str(dict(entry.event.data)) for entry in hub.workspace.log.read())
