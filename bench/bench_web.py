"""The pages over a log of 10,000 events: processor time of a page, first and again, and how soon a new head is told."""

from __future__ import annotations

import http.client
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from hee_core.events import Event
from hee_core.git import run_in
from hee_monitoring.web.book import Book
from hee_monitoring.web.server import Server
from hee_monitoring.workspace import Workspace, initialize

EVENTS, GROUP = 10_000, 50
PATHS = ("/", "/timeline", "/timeline?type=ci.", "/decisions", "/event/5000", "/?at=5000")


def build(root: Path) -> None:
    """A log in appends of 50: detections of 20 issues, and notes."""
    root.mkdir()
    run_in(root, "init", "--quiet", "--initial-branch=main")
    initialize(root)
    with Workspace.open(root) as workspace:
        for start in range(0, EVENTS, GROUP):
            workspace.log.append([event(number) for number in range(start, start + GROUP)])


def event(number: int) -> Event:
    """One event in five detects; the rest are notes."""
    if number % 5:
        return Event.new("note.recorded", {"text": f"note {number}"}, subject="note")
    name = f"HEE-ISS-{number % 100:010}"
    lines = [{"channel": "log", "line": 7, "text": "assert 1 == 2", "where": "tests"}]
    data = {"issue_id": name, "fingerprint": name, "source": "act", "job": "ci.yml#test", "evidence": lines}
    return Event.new("ci.failure_detected", data, subject=f"issue/{name}")


def get(port: int, path: str) -> tuple[float, int]:
    """Milliseconds of this process' processors for one page, and its bytes."""
    began = time.process_time()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    size = len(connection.getresponse().read())
    connection.close()
    return (time.process_time() - began) * 1000, size


def latency(root: Path, port: int) -> float:
    """Milliseconds from the end of an append to its line in the stream."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/live?head={Workspace.open(root).log.head}")
    stream = connection.getresponse()
    stream.readline()
    with Workspace.open(root) as workspace:
        workspace.log.append([Event.new("note.recorded", {"text": "new"})])
        done = time.monotonic()
    while not stream.readline().startswith(b"data:"):
        pass
    connection.close()
    return max(0.0, (time.monotonic() - done) * 1000)


def main() -> None:
    """Builds, measures, tells."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["HEE_HOME"] = f"{place}/home"
        root = Path(place) / "repository"
        build(root)
        began = time.process_time()
        with Book(str(root)) as book:
            book.look()
            print(f"start over {EVENTS} events: {(time.process_time() - began) * 1000:.0f} ms of processor\n")
            with Server(book) as server:
                get(server.port, "/health.json")
                print("| page | first | again | bytes |\n|---|---|---|---|")
                for path in PATHS:
                    first, size = get(server.port, path)
                    again = median(get(server.port, path)[0] for _ in range(20))
                    print(f"| `{path}` | {first:.1f} ms | {again:.1f} ms | {size} |")
                told = sorted(latency(root, server.port) for _ in range(20))
                print(
                    json.dumps(
                        {"a new head is told after ms": {"median": round(median(told)), "worst": round(told[-1])}}
                    )
                )


if __name__ == "__main__":
    main()
