"""The suites that plugin authors inherit: what is built in passes them, and what breaks a promise does not."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from hee_governance.rules import RULES, Rule
from hee_monitoring.alerting.posting import Chat, Webhook
from hee_monitoring.database import PatternDB
from hee_monitoring.evidence import Channel, Diagnosis, Evidence
from hee_monitoring.fixes import Change
from hee_monitoring.fixes.executable_bit import ExecutableBit
from hee_monitoring.fixes.whitespace import Whitespace
from hee_monitoring.sources.logs import LogSource
from hee_monitoring.testing import ChannelContract, RuleContract, SourceContract, StrategyContract


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if self.server.status == 200:
            self.server.taken.append(json.loads(body)["text"])
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def other_end():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.taken, server.status = [], 200
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


class TestWebhook(ChannelContract):
    opens = Webhook

    @pytest.fixture
    def channel(self, other_end):
        self.server = other_end
        return self.opens(f"http://127.0.0.1:{other_end.server_port}/hook", "")

    def arrived(self):
        return self.server.taken

    def refuse(self):
        self.server.status = 503


class TestChat(TestWebhook):
    opens = Chat


class TestWhitespace(StrategyContract):
    strategy = Whitespace()
    diagnosis = Diagnosis("HEE-PAT-614", "format", "t", "f" * 64, 9000, (Evidence(Channel.LOG, "a.txt:1: x", 1),))
    files = {"a.txt": b"one  \ntwo\t\n", "b.txt": b"stays  \n"}
    log = b"a.txt:1: trailing whitespace.\n+one  \n"
    repaired = {"a.txt": b"one\ntwo\t\n"}


class _Sloppy(Whitespace):
    """Changes what nobody asked for."""

    def apply(self, diagnosis, tree, tools):
        tools.write("b.txt", b"other\n")
        return super().apply(diagnosis, tree, tools)


class TestSloppy(TestWhitespace):
    strategy = _Sloppy()

    @pytest.mark.xfail(strict=True, raises=AssertionError)
    def test_it_repairs_what_it_is_for_and_touches_nothing_else(self, tree):
        super().test_it_repairs_what_it_is_for_and_touches_nothing_else(tree)

    @pytest.mark.xfail(strict=True, raises=FileNotFoundError)
    def test_what_it_cannot_repair_is_a_value(self, tmp_path):
        super().test_what_it_cannot_repair_is_a_value(tmp_path)


class _Growing(Whitespace):
    """Finds something to do for ever."""

    def apply(self, diagnosis, tree, tools):
        tools.write("a.txt", (tools.read("a.txt") or b"") + b"more\n")
        return Change("grow", "nothing")


class TestGrowing(TestWhitespace):
    strategy = _Growing()
    repaired = {"a.txt": b"one  \ntwo\t\nmore\n"}

    @pytest.mark.xfail(strict=True, raises=AssertionError)
    def test_a_second_run_changes_nothing(self, tree):
        super().test_a_second_run_changes_nothing(tree)

    @pytest.mark.xfail(strict=True, raises=FileNotFoundError)
    def test_what_it_cannot_repair_is_a_value(self, tmp_path):
        super().test_what_it_cannot_repair_is_a_value(tmp_path)


def _subjects(context):
    return [path for path in context.paths if path.endswith(".txt")]


def _check(rule, context, path):
    try:
        text = context.tree[path].decode()
    except UnicodeDecodeError:
        yield rule.finding(path, 0, "cannot be read", severity="UNKNOWN")
        return
    for number, line in enumerate(text.splitlines(), 1):
        if "TODO" in line:
            yield rule.finding(path, number, "is not done")


_RULE = Rule("ACME-001", "Nothing is left to do.", "acme", "ERROR", "text files", "Do it.", _subjects, _check)


class TestRule(RuleContract):
    rules = (_RULE,)
    good = {"a.txt": b"done\n"}
    bad = {"ACME-001": {"a.txt": b"one\nTODO\n"}}


class TestBuiltIn(RuleContract):
    rules = tuple(rule for rule in RULES if rule.id == "HGV-CI-001")
    good = {
        ".github/workflows/ci.yml": b"on: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    timeout-minutes: 5\n    steps:\n      - run: pytest\n"
    }
    bad = {
        rule.id: {
            ".github/workflows/ci.yml": b"on: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    timeout-minutes: 5\n    steps:\n      - run: pytest || true\n"
        }
        for rule in rules
    }


class TestLogs(SourceContract):
    commit = "c" * 40

    @pytest.fixture
    def source(self, tmp_path):
        file = tmp_path / "build.log"
        file.write_text("FAILED tests/test_a.py::test_b - assert 1 == 2\n==== 1 failed in 0.1s ====\n")
        return LogSource([file], PatternDB.load())


def test_the_bit_of_a_script_is_a_change_of_its_mode_alone():
    """Why the suite is not inherited for it: it compares contents, and this one changes none."""
    assert ExecutableBit().terms.keeps == "bytes"
