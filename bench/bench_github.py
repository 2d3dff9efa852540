"""What following GitHub costs, against the simulator on loopback: a quiet poll, a webhook, a thousand runs of backlog.

    python bench/bench_github.py [--json]

Requests and events are exact; times are of this machine. The simulator's own work is in the elapsed times, and its CPU in
none: CPU is this thread's.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from github_world import RUFF, GitHubWorld, green, red, world

from hee_monitoring.github.receiver import Receiver

SECRET = "a secret for a benchmark"
LINE = b"2026-01-24T12:00:00.0000000Z collected 1 item and looked at it, which took a while\n"


def quiet(hub: GitHubWorld) -> dict[str, object]:
    """A poll that finds nothing."""
    hub.calm()
    hub.poll(fix=False)
    hub.asked()
    began, size = time.thread_time(), len(hub.workspace.log)
    for _ in range(50):
        hub.poll(fix=False)
    spent = (time.thread_time() - began) / 50 * 1000
    events = len(hub.workspace.log) - size
    return {"requests": len(hub.asked()) / 50, "events": events, "cpu_ms": round(spent, 1)}


def woken(hub: GitHubWorld) -> dict[str, object]:
    """From a delivery to the recorded decision, with a log of 10 MB."""
    log = LINE * (10 * 1024 * 1024 // len(LINE)) + RUFF
    with Receiver(SECRET) as receiver:
        run = hub.server.run("failure", [red("large", log)])
        body = json.dumps({"workflow_run": {"id": run.run_id}}).encode()
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"x-github-delivery": "1", "x-github-event": "workflow_run", "x-hub-signature-256": signature}
        began = time.monotonic()
        sender = threading.Thread(
            target=lambda: httpx2.post(receiver.url, content=body, headers=headers, trust_env=False)
        )
        sender.start()
        receiver.wait(10)
        heard = time.monotonic() - began
        hub.follower.told |= receiver.told()
        hub.poll(fix=False)
        decided = time.monotonic() - began
        sender.join()
    recorded = hub.events("decision.recorded")[-1]["action"]
    return {"log_mb": len(log) >> 20, "heard_s": round(heard, 3), "decided_s": round(decided, 2), "action": recorded}


def backlog(hub: GitHubWorld) -> dict[str, object]:
    """A thousand runs that ended while nobody looked, every fiftieth of them red."""
    for number in range(1000):
        bad = number % 50 == 17
        jobs = [red(log=RUFF.replace(b"a.py", b"%d.py" % number))] if bad else [green()]
        hub.server.run("failure" if bad else "success", jobs)
    hub.asked()
    before, size, began = len(hub.events("ci.failure_detected")), len(hub.workspace.log), time.monotonic()
    hub.poll(fix=False)
    spent = time.monotonic() - began
    found = len(hub.events("ci.failure_detected")) - before
    return {
        "runs": 1000,
        "red": found,
        "requests": len(hub.asked()),
        "needed": 10 + 20 * 3 + 20,  # pages; jobs, annotations, logs of the red; jobs of the green after them
        "events": len(hub.workspace.log) - size,
        "seconds": round(spent, 1),
    }


def main() -> int:
    """Measures and prints."""
    options = argparse.ArgumentParser()
    options.add_argument("--json", action="store_true")
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["HEE_HOME"] = f"{place}/home"
        os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
        with world(Path(place) / "r") as hub:
            rows = {"quiet poll": quiet(hub), "webhook to decision": woken(hub), "backlog": backlog(hub)}
    if wanted.json:
        print(json.dumps(rows))
    else:
        for name, row in rows.items():
            print(f"{name:20} " + "  ".join(f"{key} {value}" for key, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
