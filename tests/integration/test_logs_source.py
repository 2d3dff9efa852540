"""Log files as people have them, and as people who mean harm have them."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from hee_core.errors import SourceError
from hee_monitoring.database import PatternDB
from hee_monitoring.evidence import Annotation, Conclusion
from hee_monitoring.sources import junit, logs
from hee_monitoring.sources.logs import LogFile, LogSource, read_input

RED = b"tests/test_a.py:3: AssertionError\n=========== short test summary info ===========\nFAILED tests/test_a.py::test_one - assert 1 == 2\n1 failed in 0.1s\n"
GREEN = b"collected 1 item\n\ntests/test_a.py .   [100%]\n\n1 passed in 0.1s\n"


def archive(path: Path, members: dict[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_a_plain_file_is_one_log(tmp_path: Path) -> None:
    (tmp_path / "build.log").write_bytes(RED)
    assert read_input(tmp_path / "build.log") == (LogFile(str(tmp_path / "build.log"), RED),)


def test_bytes_from_standard_input_are_one_log() -> None:
    assert read_input(Path("-"), RED) == read_input(None, RED) == (LogFile("standard input", RED),)
    assert read_input(None, gzip.compress(RED))[0].data == RED


def test_compressed_and_empty_and_binary_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(RED))
    (tmp_path / "empty.log").touch()
    (tmp_path / "binary").write_bytes(b"\x7fELF" + bytes(range(256)))
    assert read_input(tmp_path / "a.log.gz")[0].data == RED
    assert read_input(tmp_path / "empty.log")[0].data == b""
    assert read_input(tmp_path / "binary")[0].data.startswith(b"\x7fELF")


def test_a_stream_can_be_named_like_a_file(tmp_path: Path) -> None:
    fifo = tmp_path / "stream"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(RED,))
    writer.start()
    assert read_input(fifo)[0].data == RED
    writer.join()


def test_a_directory_gives_its_logs_in_order(tmp_path: Path) -> None:
    for name in ("10_b.log", "9_a.log", "notes.md", ".hidden.log", "deep/build.txt", "console", "x.log.1", "z.log.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(RED) if name.endswith(".gz") else name.encode())
    (tmp_path / "link.log").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.log")
    assert [file.name for file in read_input(tmp_path)] == [
        "9_a.log",
        "10_b.log",
        "console",
        "deep/build.txt",
        "x.log.1",
        "z.log.gz",
    ]
    assert read_input(tmp_path)[-1].data == RED


def test_of_github_s_archive_the_whole_jobs_are_taken(tmp_path: Path) -> None:
    members = {"build/1_Set up job.txt": b"x", "build/2_Run make.txt": b"y", "0_build.txt": RED, "-1_lint.txt": GREEN}
    found = read_input(archive(tmp_path / "logs.zip", members))
    assert {file.name: file.data for file in found} == {"0_build.txt": RED, "-1_lint.txt": GREEN}
    (tmp_path / "unpacked/build").mkdir(parents=True)
    for name, data in members.items():
        (tmp_path / "unpacked" / name).write_bytes(data)
    assert {file.name for file in read_input(tmp_path / "unpacked")} == {"0_build.txt", "-1_lint.txt"}


def test_names_in_an_archive_are_labels_and_never_paths(tmp_path: Path) -> None:
    names = ["../../etc/evil.log", "/root/evil.log", "a\x1b[2Jb.log", "C:\\evil.log", "x\u202egol.log", "../evil\n.txt"]
    found = read_input(archive(tmp_path / "logs.zip", dict.fromkeys(names, b"x")))
    assert len(found) >= 4
    assert all(file.name.isprintable() and "\u202e" not in file.name for file in found)
    assert [entry.name for entry in tmp_path.iterdir()] == ["logs.zip"]


def tape(path: Path, members: dict[str, bytes], *, mode: str = "w:") -> Path:
    with tarfile.open(path, mode) as file:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return path


def endless(data: bytes) -> bytes:
    """A tar archive whose member says to be less than nothing long, so that what follows it is itself."""
    header = bytearray(data[:512])
    header[124:136] = b"\xff" * 10 + b"\xfc\x00"  # minus 1024
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[512:]


def test_a_tar_archive_is_read_like_a_zip_archive(tmp_path: Path) -> None:
    names = ["10_b.log", "9_a.log", "../../etc/evil.log", "/root/evil.txt", "x\u202egol.log", "picture.png"]
    path = tape(tmp_path / "logs.tgz", dict.fromkeys(names, RED) | {"z.log.gz": gzip.compress(RED)}, mode="w:gz")
    with tarfile.open(tmp_path / "links.tar", "w:") as file:
        for name, kind in (("a.log", tarfile.SYMTYPE), ("b.log", tarfile.LNKTYPE), ("c.log", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            file.addfile(member)
    found = read_input(path)
    assert len(found) == 6
    assert all(file.data == RED and file.name.isprintable() and "\u202e" not in file.name for file in found)
    names = [file.name for file in found]
    assert names.index("9_a.log") < names.index("10_b.log")
    assert read_input(None, path.read_bytes())[0].data == RED
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["links.tar", "logs.tgz"]
    with pytest.raises(SourceError, match="holds no logs"):
        read_input(tmp_path / "links.tar")


def test_the_limits_hold_for_a_tar_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 1024 * 1024)
    monkeypatch.setattr(logs, "MOST_FILES", 3)
    with pytest.raises(SourceError, match="more than 1 MB"):
        read_input(tape(tmp_path / "bomb.tgz", {"a.log": b"\0" * 3_000_000}, mode="w:gz"))
    with pytest.raises(SourceError, match="holds more than 3 files"):
        read_input(tape(tmp_path / "many.tar", {f"{n}.log": b"" for n in range(4)}))
    many = {f"{n}.log.gz": gzip.compress(b"\0" * 600_000) for n in range(2)}
    for path in (tape(tmp_path / "deep.tar", many), archive(tmp_path / "deep.zip", many)):
        with pytest.raises(SourceError, match="unpacked, has more than 1 MB"):
            read_input(path)


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 3 * 1024 * 1024)
    bomb = archive(tmp_path / "bomb.zip", {"a.log": b"\0" * 3_000_000, "b.log": b"\0" * 3_000_000})
    with pytest.raises(SourceError, match="has more than 3 MB"):
        read_input(bomb)
    raw = bytearray(archive(tmp_path / "lie.zip", {"a.log": b"\0" * 8_000_000}).read_bytes())
    size = (8_000_000).to_bytes(4, "little")
    while (at := raw.find(size)) >= 0:
        raw[at : at + 4] = (10).to_bytes(4, "little")
    (tmp_path / "lie.zip").write_bytes(raw)
    with pytest.raises(SourceError, match=r"damaged zip|more than 3 MB"):
        read_input(tmp_path / "lie.zip")
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"\0" * 8_000_000))
    with pytest.raises(SourceError, match="unpacked, has more than 3 MB"):
        read_input(tmp_path / "bomb.gz")
    (tmp_path / "many").mkdir()
    for number in range(3):
        (tmp_path / f"many/{number}.log.gz").write_bytes(gzip.compress(b"\0" * 2_000_000))
    with pytest.raises(SourceError, match="unpacked, has more than 3 MB"):
        read_input(tmp_path / "many")


def test_limits_hold_for_files_streams_and_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 1024 * 1024)
    monkeypatch.setattr(logs, "MOST_FILES", 3)
    big = tmp_path / "big.log"
    big.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(SourceError, match="more than 1 MB") as caught:
        read_input(big)
    assert caught.value.hint
    big.write_bytes(b"x" * 1024 * 1024)
    assert len(read_input(big)[0].data) == 1024 * 1024
    (tmp_path / "more.log").write_bytes(b"x")
    with pytest.raises(SourceError, match="more than 1 MB"):
        read_input(tmp_path)
    big.write_bytes(b"x")
    for number in range(4):
        (tmp_path / f"{number}.log").touch()
    with pytest.raises(SourceError, match="more than 3 logs"):
        read_input(tmp_path)
    with pytest.raises(SourceError, match="holds 4 files, more than 3"):
        read_input(archive(tmp_path / "many.zip", {f"{n}.log": b"" for n in range(4)}))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "holds no logs"),
        (lambda path: (path.mkdir(), (path / "README.md").touch()), "holds no logs"),
        (lambda path: path.write_bytes(gzip.compress(RED)[:-9]), "damaged gzip"),
        (lambda path: path.write_bytes(b"\x1f\x8bnot gzip"), "damaged gzip"),
        (lambda path: path.write_bytes(b"PK\x03\x04not a zip"), "damaged zip"),
        (lambda path: archive(path, {}), "holds no logs"),
        (lambda path: tape(path, {"picture.png": b"x"}), "holds no logs"),
        (lambda path: path.write_bytes(tape(path, {"a.log": b"x" * 2000}).read_bytes()[:900]), "damaged tar"),
        (lambda path: path.write_bytes(endless(tape(path, {"a.log": b"x"}).read_bytes())), "damaged tar"),
        (lambda path: archive(path, {"a/": b"", "picture.png": b"x"}), "holds no logs"),
        (lambda path: path.symlink_to("/dev/null"), "neither a file nor a directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path, make: object, said: str) -> None:
    make(tmp_path / "it")  # type: ignore[operator]
    with pytest.raises(SourceError, match=said) as caught:
        read_input(tmp_path / "it")
    assert caught.value.hint


def test_an_encrypted_archive_is_said(tmp_path: Path) -> None:
    raw = bytearray(archive(tmp_path / "a.zip", {"a.log": b"x"}).read_bytes())
    raw[6] |= 1
    raw[raw.find(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(SourceError, match="is encrypted"):
        read_input(tmp_path / "a.zip")


def test_a_name_that_cannot_be_is_said() -> None:
    with pytest.raises(SourceError, match="can't be read: File name too long") as caught:
        read_input(Path("x" * 300))
    assert caught.value.hint


def test_nothing_given_says_what_to_do() -> None:
    with pytest.raises(SourceError, match="no log was given") as caught:
        read_input(None, None)
    assert "hee explain" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch(mode=0)
    with pytest.raises(SourceError, match="can't be read: Permission denied"):
        read_input(tmp_path / "a.log")


def test_a_log_of_200_megabytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.log"
    with path.open("wb") as file:
        for _ in range(200):
            file.write(b"a line of an ordinary build log, nothing to see here\n" * 19784)
    (found,) = read_input(path)
    assert len(found.data) == path.stat().st_size > 200_000_000


class TestReports:
    REPORT = b"""<?xml version="1.0" encoding="utf-8"?>
<!-- made by a test -->
<testsuites>
<testsuite name="pytest" errors="0" failures="1">
<testcase classname="tests.test_a" name="test_one" time="0.1">
<failure message="AssertionError: assert 1 == 2">def test_one():
&gt;       assert 1 == 2
E       assert 1 == 2

tests/test_a.py:3: AssertionError</failure></testcase>
<testcase classname="tests.test_a" name="test_two"/>
<testcase classname="com.example.FooTest" name="adds"><error type="java.lang.IllegalStateException">java.lang.IllegalStateException: no
	at com.example.FooTest.adds(FooTest.java:42)</error></testcase>
<testcase file="spec/b.rb" line="7" name="c"><failure message="boom" type="E"/></testcase>
</testsuite></testsuites>
"""

    def test_failures_have_file_and_line(self, tmp_path: Path) -> None:
        (tmp_path / "report.xml").write_bytes(self.REPORT)
        (found,) = read_input(tmp_path / "report.xml")
        assert found.annotations == (
            Annotation("test_one: AssertionError: assert 1 == 2", path="tests/test_a.py", line=3),
            Annotation("adds: java.lang.IllegalStateException", path="FooTest.java", line=42),
            Annotation("c: E: boom", path="spec/b.rb", line=7),
        )
        assert found.report is not None
        assert found.report.tests == 4
        assert [failure.test for failure in found.report.failures] == [
            "tests.test_a::test_one",
            "com.example.FooTest::adds",
            "spec/b.rb::c",
        ]
        assert found.data.endswith(b"##[error]E: boom\n")

    def test_a_diagnosis_names_the_line_of_the_report(self) -> None:
        found = read_input(None, self.REPORT)[0].explain(PatternDB.load())
        assert (found.category, found.captures["test"]) == ("test", "tests.test_a::test_one")
        assert self.REPORT.splitlines()[found.line - 1].decode() == found.text == "E       assert 1 == 2"
        assert [self.REPORT.splitlines()[other.line - 1].count(b"<e") for other in found.secondary] == [1, 0]

    @pytest.mark.parametrize(
        ("element", "text"),
        [
            (b'<failure message="assert 1 == 2"/>', "assert 1 == 2"),
            (b'<error type="ModuleNotFoundError"/>', "ModuleNotFoundError"),
            (b'<failure message="it is on fire"/>', "it is on fire"),
            (b"<failure>\n\nexpected a rose\n</failure>", "expected a rose"),
            (b"<failure/>", "failed"),
        ],
    )
    def test_a_failure_is_explained_by_its_own_text(self, element: bytes, text: str) -> None:
        data = b"<testsuite>\n<testcase classname='a.B' name='c'>" + element + b"</testcase>\n</testsuite>"
        found = read_input(None, data)[0].explain(PatternDB.load())
        assert (found.category, found.text, found.line) == ("test", text, 2)
        assert found.captures["test"] == "a.B::c"
        assert found.confidence >= 8000

    def test_equal_failures_of_two_tests_are_two(self) -> None:
        case = b"<testcase name='%s'><failure message='assert 1 == 2'/></testcase>"
        found = read_input(None, b"<testsuite>" + case % b"a" + case % b"b" + b"</testsuite>")[0].explain(
            PatternDB.load()
        )
        assert [found.captures["test"], *(other.captures["test"] for other in found.secondary)] == ["a", "b"]

    @pytest.mark.parametrize(
        ("report", "why"),
        [
            (b"<testsuites/>", "holds no test"),
            (b"<testsuite name='x' tests='0'></testsuite>", "holds no test"),
            (b"<testsuites><testsuite/><testsuite/></testsuites>", "holds no test"),
            (b"<testsuite failures='2'><testcase name='a'/></testsuite>", "counts 2 failure"),
            (b"<testsuite><testcase name='a'><skipped/></testcase></testsuite>", "was skipped"),
        ],
    )
    def test_a_report_that_looked_at_nothing_is_unknown(self, report: bytes, why: str) -> None:
        (file,) = read_input(None, report)
        found = file.explain(PatternDB.load())
        assert (found.category, found.line) == ("unknown", 0)
        assert why in found.title
        (run,) = LogSource((file,), PatternDB.load()).runs("")
        assert (run.conclusion, run.jobs[0].reason) == (Conclusion.UNKNOWN, found.title)

    def test_a_report_in_utf_16_is_a_report(self) -> None:
        data = "<testsuite><testcase name='a'><failure message='oops'/></testcase></testsuite>".encode("utf-16")
        assert read_input(None, data)[0].explain(PatternDB.load()).text == "oops"

    def test_a_green_report_shows_no_failure(self) -> None:
        (found,) = read_input(None, b"<testsuite><testcase name='a'/></testsuite>")
        assert (found.data, found.fault) == (b"", "")
        assert found.explain(PatternDB.load()).category == "none"

    @pytest.mark.parametrize(
        "head",
        [
            b'<!DOCTYPE testsuites [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
            b'<!DOCTYPE testsuites SYSTEM "file:///etc/passwd">',
            b'<?xml version="1.0"?><!-- x --><!DOCTYPE testsuites>',
        ],
    )
    def test_document_types_and_entities_are_refused(self, head: bytes) -> None:
        with pytest.raises(SourceError, match="document type or an entity"):
            read_input(None, head + b"<testsuites>&b;</testsuites>")

    def test_a_broken_report_is_said(self) -> None:
        for data in (b"<testsuite><testcase></testsuite>", b"<testsuite", b"<testsuites"):
            with pytest.raises(SourceError, match="standard input is not well-formed XML") as caught:
                read_input(None, data)
            assert caught.value.hint

    def test_a_report_that_is_too_large_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(junit, "LARGEST", 1024 * 1024)
        with pytest.raises(SourceError, match="more than 1 MB"):
            read_input(None, b"<testsuite>" + b" " * 1024 * 1024 + b"</testsuite>")

    @pytest.mark.parametrize(
        "text",
        [b"<html/>", b"<!DOCTYPE html><html/>", b"<?xml version='1.0'?><project/>", b"<testsuit", b"", b"<!-- " * 9],
    )
    def test_other_markup_is_a_log(self, text: bytes) -> None:
        assert not junit.is_report(text)

    def test_a_flood_of_failures_and_text_is_cut(self) -> None:
        case = b"<testcase name='a'><failure>" + b"x" * 100_000 + b"</failure></testcase>"
        report = junit.read(b"<testsuite>" + case * 600 + b"</testsuite>")
        assert len(report.annotations) == 500
        assert len(report.text) < 35_000_000
        assert report.tests == 600

    def test_a_suite_can_name_the_file_and_a_failure_can_stand_alone(self) -> None:
        report = junit.read(
            b"<testsuite file='a/b.py'><failure/><testcase name='t' line='x'><failure>oops</failure></testcase></testsuite>"
        )
        assert report.annotations == (Annotation(": failed", path="a/b.py"), Annotation("t: oops", path="a/b.py"))


class TestSource:
    def test_a_log_can_show_a_failure_and_never_proves_success(self, tmp_path: Path) -> None:
        (tmp_path / "red.log").write_bytes(RED)
        empty, green = LogFile("empty", b""), LogFile("green", GREEN)
        source = LogSource((tmp_path / "red.log", green, empty), PatternDB.load())
        (run,) = source.runs("c0ffee")
        assert (run.source, run.conclusion, run.commit) == ("logs", Conclusion.FAILURE, "c0ffee")
        assert [(job.name.rpartition("/")[2], job.conclusion, job.reason) for job in run.jobs] == [
            ("red.log", Conclusion.FAILURE, ""),
            ("green", Conclusion.UNKNOWN, "the log shows no failure, which does not prove success"),
            ("empty", Conclusion.UNKNOWN, "The log is empty, which proves nothing"),
        ]
        assert run.jobs[0].key == f"log#{tmp_path}/red.log"
        assert run.jobs[0].log == RED

    def test_without_a_red_log_the_run_is_unknown(self) -> None:
        (run,) = LogSource((LogFile("green", GREEN),), PatternDB.load()).runs("")
        assert (run.conclusion, run.commit) == (Conclusion.UNKNOWN, None)


def test_members_are_read_in_the_order_of_their_numbers() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in ("10_z.txt", "2_a.txt", "1_b.txt"):
            file.writestr(name, name)
    assert [file.name for file in read_input(None, buffer.getvalue())] == ["1_b.txt", "2_a.txt", "10_z.txt"]
