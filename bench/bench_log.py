"""How fast the log is, beside others, in one run on one machine: only the ratios of a run mean something.

    python -m bench.bench_log [--events 20000] [--single 200] [--json]

Every row that says `durable` had its bytes fsynced before it counted. Peers: git's own plumbing with one commit an
event, GitPython's `index.commit` (neither durable nor safe for two writers), a raw line with one fsync, and the SQLite
recorder of `eventsourcing` (`pip install -e '.[bench]'`). Single appends and their peers take turns, a few of each at a
time, and the median turn counts: a disk that others use is as slow for the one as for the other.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import hee_core
from hee_core.disk import Disk
from hee_core.git import Repository
from hee_core.gitstore import GitStore
from hee_core.keys import create_agent_key, default_key_path
from hee_core.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

TURNS = 20  # appends in a turn
SAMPLES = 997  # of 300 characters each: more than a compressor of git's looks back on
TEXTS = tuple(base64.b85encode(hashlib.shake_256(b"%d" % seed).digest(240)).decode() for seed in range(SAMPLES))
COLD = "import hee_core\nwith hee_core.open_log({!r}) as log:\n    log.append([hee_core.Event.new('note.recorded', {{'text': 'cold'}})])\n"


def notes(count: int, name: str) -> list[hee_core.Event]:
    return [
        hee_core.Event.new("note.recorded", {"text": f"{name} {n} {TEXTS[n % SAMPLES]}"}, subject="bench")
        for n in range(count)
    ]


def spent(work: Callable[[], object]) -> float:
    """Processor time of this process and of those that ended meanwhile: other work on the machine hardly counts."""

    def now() -> float:
        uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(use.ru_utime + use.ru_stime for use in uses)

    before = now()
    work()
    return now() - before


def per_cpu(number: int, seconds: float) -> str:
    """A rate that a busy machine spoils less."""
    return f"{number / seconds:,.0f} a processor second"


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Hasty(Disk):
    """Waits for nothing to be durable."""

    def write(self, path: Path, data: bytes, *, sync: bool = True) -> None:
        del sync
        super().write(path, data, sync=False)

    def sync_directory(self, path: Path) -> None:
        pass


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

    def log(self, name: str, disk: Disk | None = None) -> Log:
        log = Log(GitStore(Repository.discover(self.repository(name)), disk=disk), signer=self.signer)
        log.create()
        return log

    def all(self) -> None:
        self.group()
        self.one_by_one()
        self.singles()
        self.cold()

    def group(self) -> None:
        self.row(
            "Event.new", self.events / timed(lambda: notes(self.events, "new")), "events/s", "checked against its model"
        )
        size = 1000
        with self.log("group") as log:
            batches = [notes(size, f"group {n}") for n in range(max(1, self.events // size))]
            total, texts = size * len(batches), [TEXTS[n % SAMPLES].encode() for n in range(size)]
            works: list[Callable[[list[hee_core.Event]], object]] = [
                log.append,
                lambda _: [self.bare.sign(text) for text in texts],
            ]
            walls: list[list[float]] = [[], []]
            costs = [0.0, 0.0]
            for batch in batches:
                for which, work in enumerate(works):
                    costs[which] += spent(
                        lambda which=which, work=work, batch=batch: walls[which].append(timed(lambda: work(batch)))
                    )
            ours, bare = (size / statistics.median(each) for each in walls)
            self.row("group commit, durable", ours, "events/s", f"{per_cpu(total, costs[0])}; {size} in an append")
            self.row("  Ed25519 alone", bare, "events/s", f"{per_cpu(total, costs[1])}; bare signatures")
            self.read("read, from groups", log)
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

    def read(self, name: str, log: Log) -> None:
        def whole() -> None:
            assert sum(1 for _ in log.read()) == size

        size = len(log)
        seconds = statistics.median(timed(whole) for _ in range(3))
        self.row(name, size / seconds, "events/s", f"{per_cpu(size, spent(whole))}, git's with it")

    def verify(self, name: str, log: Log, signatures: int) -> None:
        def whole() -> None:
            report = hee_core.verify(log)
            assert report.ok, report.findings
            log.store.close()

        def bare() -> None:
            for _ in range(signatures):
                public.verify(signature, message)

        message = TEXTS[0].encode()
        public, signature = self.bare.public_key(), self.bare.sign(message)
        turns = [(timed(whole), timed(bare)) for _ in range(3)]
        costs = [(spent(whole), spent(bare)) for _ in range(3)]
        seconds = statistics.median(turn for turn, _ in turns)
        cost = statistics.median(ours for ours, _ in costs)
        self.row(name, len(log) / seconds, "events/s", f"{per_cpu(len(log), cost)}, git's with it")
        self.row(
            "  over the bare verifications",
            statistics.median(ours / bare for ours, bare in turns),
            "times",
            f"{signatures} Ed25519 verifications, one thread",
        )
        self.row(
            "  over the bare verifications, CPU",
            statistics.median(ours / bare for ours, bare in costs),
            "times",
            "processor time, git's processes with it",
        )

    def one_by_one(self) -> None:
        """Single appends and their peers in turns."""
        texts = [event.data["text"] for event in notes(TURNS, "single")]
        with self.log("single") as log:
            raw, plumbing, gitpython = (self.place / "raw").open("wb"), self.plumbing(), self.gitpython()
            recorder = self.eventsourcing()
            peers: dict[str, tuple[int, Callable[[str], object] | None, str]] = {
                "single append, durable": (
                    20,
                    lambda text: log.append([hee_core.Event.new("note.recorded", {"text": text}, subject="bench")]),
                    "one commit each, 4 fsyncs, signed twice",
                ),
                "peer: raw line, one fsync": (20, lambda text: self.raw(raw, text), "no git, no signature"),
                "peer: commit-tree + update-ref, durable": (5, plumbing, "core.fsync=committed,reference; unsigned"),
                "peer: GitPython index.commit": (5, gitpython, "not durable, unsigned"),
                "peer: eventsourcing, SQLite": (20, recorder, "one transaction each, durable, unsigned"),
            }
            rates: dict[str, list[float]] = {name: [] for name, peer in peers.items() if peer[1]}
            for turn in range(max(3, self.single // 20)):
                for name, (few, append, _) in peers.items():
                    if append:
                        some = [f"{turn} {n} {text}" for n, text in enumerate(texts[:few])]
                        os.sync()  # else the first fsync pays for what a peer that syncs nothing left behind
                        rates[name].append(few / timed(lambda some=some, append=append: list(map(append, some))))
            raw.close()
            medians = {name: statistics.median(found) for name, found in rates.items()}
            for name, (_, _, remark) in peers.items():
                if name in medians:
                    self.row(name, medians[name], "events/s", remark)
                else:
                    self.row(name, 0, "skipped", "`pip install eventsourcing` to compare")
            ours, plain, *_ = (medians[name] for name in ("single append, durable", list(peers)[2]))
            self.row("  single append over commit-tree", ours / plain, "times", "the aim is 3")
            if recorder:
                self.row("  eventsourcing over single append", medians[list(peers)[4]] / ours, "times", "the aim is 4")
            last = len(log) - 1
            self.row("the last entry", statistics.median(timed(lambda: log.entry(last)) for _ in range(5)) * 1000, "ms")

    def singles(self) -> None:
        """Reading and verifying a log of single appends, which was written without fsync: only reading it is timed."""
        with self.log("singles", disk=Hasty()) as log:
            for event in notes(self.events // 10, "singles"):
                log.append([event])
            self.read("read, from singles", log)
            self.verify("verify, from singles", log, 3 * len(log))

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

    def raw(self, file: IO[bytes], line: str) -> None:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())

    def plumbing(self) -> Callable[[str], None]:
        place = self.repository("plumbing")
        git = ["git", "-c", "core.fsync=committed,reference", "-c", "user.name=a", "-c", "user.email=a@example.org"]

        def run(*words: str) -> str:
            return (
                subprocess.run([*git, *words], cwd=place, input=b"", capture_output=True, check=True)
                .stdout.decode()
                .strip()
            )

        tree, head = run("mktree"), list[str]()

        def append(line: str) -> None:
            new = run("commit-tree", tree, *(["-p", head[-1]] if head else []), "-m", line)
            run("update-ref", "refs/heads/log", new, head[-1] if head else "0" * 40)
            head[:] = [new]

        return append

    def gitpython(self) -> Callable[[str], object]:
        import git

        who = git.Actor("a", "a@example.org")
        repository = git.Repo(self.repository("gitpython"))
        return lambda line: repository.index.commit(line, author=who, committer=who)

    def eventsourcing(self) -> Callable[[str], object] | None:
        from uuid import UUID

        try:
            from eventsourcing.persistence import StoredEvent
            from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
        except ImportError:
            return None
        recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(self.place / "events.sqlite")))
        recorder.create_table()
        name, numbers = UUID(int=1), count()
        return lambda line: recorder.insert_events([StoredEvent(name, next(numbers), "note", line.encode())])


def main() -> None:
    """Runs everything and prints one table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=20_000)
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
