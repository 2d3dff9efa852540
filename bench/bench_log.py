"""How fast the log is, beside others, in one run on one machine: only the ratios of a run mean something.

    python bench/bench_log.py [--events 5000] [--single 200] [--json]

Every row that says `durable` had its bytes fsynced before it counted. Peers: git's own plumbing with one commit an
event, GitPython's `index.commit` (neither durable nor safe for two writers), a raw line with one fsync, and the SQLite
recorder of `eventsourcing` when that package can be imported.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import hee_core
from hee_core.git import Repository
from hee_core.gitstore import GitStore
from hee_core.keys import create_agent_key, default_key_path
from hee_core.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = 997  # of 300 characters each: more than a compressor of git's looks back on
TEXTS = tuple(base64.b85encode(hashlib.shake_256(b"%d" % seed).digest(240)).decode() for seed in range(SAMPLES))
COLD = "import hee_core\nwith hee_core.open_log({!r}) as log:\n    log.append([hee_core.Event.new('note.recorded', {{'text': 'cold'}})])\n"


def notes(count: int, name: str) -> list[hee_core.Event]:
    return [
        hee_core.Event.new("note.recorded", {"text": f"{name} {n} {TEXTS[n % SAMPLES]}"}, subject="bench")
        for n in range(count)
    ]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Bench:
    """One run: rows of (name, rate or time, remark)."""

    def __init__(self, place: Path, events: int, single: int) -> None:
        self.place, self.events, self.single = place, events, single
        self.rows: list[tuple[str, float, str, str]] = []
        os.environ["HEE_HOME"] = str(place / "home")
        self.signer = create_agent_key(default_key_path())
        self.bare = Ed25519PrivateKey.generate()

    def row(self, name: str, value: float, unit: str, remark: str = "") -> None:
        self.rows.append((name, value, unit, remark))

    def repository(self, name: str) -> Path:
        path = self.place / name
        path.mkdir()
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(path)], check=True)
        return path

    def log(self, name: str) -> Log:
        log = Log(GitStore(Repository.discover(self.repository(name))), signer=self.signer)
        log.create()
        return log

    def all(self) -> None:
        self.group()
        self.one_by_one()
        self.cold()
        self.peers()

    def group(self) -> None:
        self.row(
            "Event.new", self.events / timed(lambda: notes(self.events, "new")), "events/s", "checked against its model"
        )
        size = 1000
        with self.log("group") as log:
            batches = [notes(size, f"group {n}") for n in range(max(1, self.events // size))]
            total = size * len(batches)
            self.row(
                "group commit, durable",
                total / timed(lambda: [log.append(batch) for batch in batches]),
                "events/s",
                f"{size} in an append, each signed",
            )
            self.row(
                "  Ed25519 alone",
                total / timed(lambda: [self.bare.sign(TEXTS[0].encode()) for _ in range(total)]),
                "events/s",
                "the same number of bare signatures",
            )
            self.row(
                "read, from groups", len(log) / timed(lambda: sum(1 for _ in log.read())), "events/s", "chain checked"
            )
            loaded = [entry.event for entry in log.read(1)]
            from hee_core import projection

            self.row(
                "fold",
                total / timed(lambda: projection.fold_all(projection.INITIAL, 0, loaded, restore=log.state_after)),
                "events/s",
                "events to state",
            )
            self.verify("verify, from groups", log, len(log) + 2 * (len(batches) + 1))
            log.close()
            disk = int(
                subprocess.run(
                    ["du", "-sk", str(self.place / "group" / ".git" / "objects")],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout.split()[0]
            )
            self.row("disk, groups", disk * 1024 / total, "bytes/event")

    def verify(self, name: str, log: Log, signatures: int) -> None:
        report = hee_core.verify(log)
        assert report.ok, report.findings
        seconds = timed(lambda: hee_core.verify(log))
        self.row(name, report.events / seconds, "events/s", "every byte, signature and projection")
        message = TEXTS[0].encode()
        public, signature = self.bare.public_key(), self.bare.sign(message)
        bare = timed(lambda: [public.verify(signature, message) for _ in range(signatures)])
        self.row("  over the bare verifications", seconds / bare, "times", f"{signatures} Ed25519 verifications")

    def one_by_one(self) -> None:
        with self.log("single") as log:
            events = notes(self.single, "single")
            self.row(
                "single append, durable",
                self.single / timed(lambda: [log.append([event]) for event in events]),
                "events/s",
                "one commit each, 4 fsyncs, signed twice",
            )
            self.row("read, from singles", len(log) / timed(lambda: sum(1 for _ in log.read())), "events/s")
            self.verify("verify, from singles", log, 3 * len(log))
            last = len(log) - 1
            self.row("the last entry", timed(lambda: log.entry(last)) * 1000, "ms")

    def cold(self) -> None:
        command = ["-c", COLD.format(str(self.place / "group"))]
        # As installed: with compiled files, which an environment without them would have Python make anew each time.
        env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = str(self.place / "compiled")

        def start(*words: str) -> None:
            subprocess.run([sys.executable, *words], env=env, check=True)

        start(*command)
        times = sorted(timed(lambda: start(*command)) for _ in range(5))
        bare = sorted(timed(lambda: start("-c", "pass")) for _ in range(5))
        self.row("new process, one durable append", times[2] * 1000, "ms", f"python alone {bare[2] * 1000:.0f} ms")

    # ------------------------------------------------------------------ others

    def peers(self) -> None:
        lines = [event.data["text"] for event in notes(self.single, "peer")]
        self.row(
            "peer: raw line, one fsync",
            self.single / timed(lambda: self.raw(lines)),
            "events/s",
            "no git, no signature",
        )
        few = lines[: max(10, self.single // 10)]
        self.row(
            "peer: commit-tree + update-ref, durable",
            len(few) / timed(lambda: self.plumbing(few)),
            "events/s",
            "core.fsync=committed,reference; unsigned",
        )
        self.row(
            "peer: GitPython index.commit",
            len(few) / timed(lambda: self.gitpython(few)),
            "events/s",
            "not durable, unsigned",
        )
        try:
            recorder = self.eventsourcing()
        except ImportError:
            self.row("peer: eventsourcing, SQLite", 0, "skipped", "`pip install eventsourcing` to compare")
            return
        self.row(
            "peer: eventsourcing, SQLite",
            self.single / timed(lambda: recorder(lines)),
            "events/s",
            "one transaction each, durable, unsigned",
        )

    def raw(self, lines: list[str]) -> None:
        with (self.place / "raw").open("wb") as file:
            for line in lines:
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def plumbing(self, lines: list[str]) -> None:
        place = self.repository("plumbing")
        git = ["git", "-c", "core.fsync=committed,reference", "-c", "user.name=a", "-c", "user.email=a@example.org"]
        tree = (
            subprocess.run([*git, "mktree"], cwd=place, input=b"", capture_output=True, check=True)
            .stdout.decode()
            .strip()
        )
        parent, old = [], "0" * 40
        for line in lines:
            made = subprocess.run(
                [*git, "commit-tree", tree, *parent, "-m", line], cwd=place, capture_output=True, check=True
            )
            new = made.stdout.decode().strip()
            subprocess.run([*git, "update-ref", "refs/heads/log", new, old], cwd=place, check=True)
            parent, old = ["-p", new], new

    def gitpython(self, lines: list[str]) -> None:
        import git

        who = git.Actor("a", "a@example.org")
        with git.Repo(self.repository("gitpython")) as repository:
            for line in lines:
                repository.index.commit(line, author=who, committer=who)

    def eventsourcing(self) -> Callable[[list[str]], None]:
        from uuid import UUID

        from eventsourcing.persistence import StoredEvent
        from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

        store = SQLiteDatastore(str(self.place / "events.sqlite"))
        recorder = SQLiteApplicationRecorder(store)
        recorder.create_table()
        name = UUID(int=1)

        def record(lines: list[str]) -> None:
            for number, line in enumerate(lines):
                recorder.insert_events([StoredEvent(name, number, "note", line.encode())])

        return record


def main() -> None:
    """Runs everything and prints one table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=5000)
    arguments.add_argument("--single", type=int, default=200)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    place = Path(tempfile.mkdtemp(prefix="hee-bench-"))
    try:
        bench = Bench(place, options.events, options.single)
        bench.all()
    finally:
        shutil.rmtree(place)
    if options.json:
        print(
            json.dumps(
                [dict(zip(("name", "value", "unit", "remark"), row, strict=True)) for row in bench.rows], indent=2
            )
        )
        return
    for name, value, unit, remark in bench.rows:
        number = "" if unit == "skipped" else f"{value:12,.2f}" if value < 100 else f"{value:12,.0f}"
        print(f"{name:42} {number:>12} {unit:12} {remark}")


if __name__ == "__main__":
    main()
