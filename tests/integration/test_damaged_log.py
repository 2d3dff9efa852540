"""Reading a log that is damaged: an error that names the damage and the next step, never a wrong answer."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import pytest
from forge import REF, Forge
from logs import git, make_log, open_at

import hee_core
from hee_core.errors import IntegrityError
from hee_core.events import Event
from hee_core.ids import Ids
from hee_core.keys import EphemeralSigner
from hee_core.packs import MOST_PACKS

OWNER = EphemeralSigner()


@pytest.fixture
def place(tmp_path):
    with make_log(tmp_path / "repository", signer=OWNER) as log:
        log.keep_snapshots = False
        for n in range(4):
            log.append([Event.new("note.recorded", {"text": str(n)})])
    return tmp_path / "repository"


def forged(place, change):
    forge = Forge(place, OWNER)
    change(forge.appends[2])
    forge.rewrite()
    return open_at(place, signer=OWNER)


def foreign(append):
    append.lines = [
        hee_core.MemoryLog(signer=OWNER).append([Event.new("note.recorded", {"text": "x"})]).event.to_bytes()
    ]


def no_json(append):
    append.lines = [b"{"]


def torn(append):
    append.files["events.jsonl"] = append.files["events.jsonl"][:-1]


def missing(append):
    del append.files["events.jsonl"]


def merged(append):
    append.no_parent = True


@pytest.mark.parametrize(
    ("change", "message"),
    [(foreign, "event 2 belongs to another log"), (no_json, "event 2"), (torn, "empty or torn"), (missing, r"has no events\.jsonl"), (merged, "does not follow|belongs to another")],
)  # fmt: skip
def test_reading_and_following_stop_at_the_damage(place, change, message):
    with forged(place, change) as log:
        with pytest.raises(IntegrityError, match=message) as caught:
            list(log.read())
        assert caught.value.hint == "run `hee verify`"
        with pytest.raises(IntegrityError, match=message):
            len(log)
        assert not hee_core.verify(log).ok


@pytest.mark.parametrize("kind", ["commit", "tree", "blob"])
def test_an_object_that_git_cannot_read_is_an_error_and_a_finding(place, kind):
    for pack in sorted((place / ".git/objects/pack").glob("pack-*.pack")):
        data = pack.read_bytes()
        for suffix in (".pack", ".idx", ".keep"):
            pack.with_suffix(suffix).unlink()
        git(place, "unpack-objects", "-q", stdin=data)
    name = git(
        place, "rev-parse", {"commit": f"{REF}~2", "tree": f"{REF}~2^{{tree}}", "blob": f"{REF}~2:events.jsonl"}[kind]
    )
    path = place / ".git/objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"garbage")
    with open_at(place, signer=OWNER) as log:
        with pytest.raises(IntegrityError) as caught:
            list(log.read())
        assert caught.value.hint == "run `hee verify`"
        report = hee_core.verify(log)
        assert min((finding.index, finding.kind) for finding in report.findings) == (2, "object")


def test_a_commit_that_is_no_commit_of_git_is_a_finding(place):
    forge = Forge(place, OWNER)
    raw = forge.read(REF).replace(b"\n\n", b"\nencoding latin-1\n\n", 1)
    git(place, "update-ref", REF, forge.write("commit", raw))
    with open_at(place, signer=OWNER) as log:
        assert (4, "object") in {(finding.index, finding.kind) for finding in hee_core.verify(log).findings}


def test_a_merge_that_cannot_be_made_costs_space_and_nothing_else(place, monkeypatch):
    with open_at(place, signer=OWNER) as log:
        log.keep_snapshots = False
        merge = log.store.repository.__class__.attempt
        calls = []

        def attempt(self, *args, **options):
            calls.append(args)
            return merge(self, *(("no-such-command",) if "pack-objects" in args else args), **options)

        monkeypatch.setattr(log.store.repository.__class__, "attempt", attempt)
        for n in range(MOST_PACKS):
            log.append([Event.new("note.recorded", {"text": str(n)})])
        log.store.close()
        assert sum("pack-objects" in call for call in calls) == 1
        assert len(log) == MOST_PACKS + 5
        assert hee_core.verify(log).ok


def test_the_next_process_knows_the_last_events_without_reading_them(place, monkeypatch):
    event = Event.new("note.recorded", {"text": "sent twice"})
    with open_at(place, signer=OWNER) as log:
        first = log.append([event])
    with open_at(place, signer=OWNER) as log:
        assert len(log) == 6
    with open_at(place, signer=OWNER) as log:
        with monkeypatch.context() as patch:
            patch.setattr(type(log.store), "steps", None)
            patch.setattr(type(log.store), "back", None)
            log.append([Event.new("note.recorded", {"text": "new"})])
        assert log.append([event]).index == first.index
        assert hee_core.verify(log).ok


class Named(NamedTuple):
    """As much of an event as the index of ids reads."""

    id: str
    time: str


class TestIds:
    """The index of event ids by itself."""

    def names(self, start: int, stop: int) -> list[Named]:
        return [Named(f"{n:064x}"[::-1], f"2026-01-24T12:{n // 60 % 60:02}:{n % 60:02}Z") for n in range(start, stop)]

    def places(self, ids: Ids, start: int, stop: int) -> list[int | None]:
        names = self.names(start, stop)
        found = ids.find(names)
        return [found.get(name.id) for name in names]

    def test_what_was_saved_is_found_by_the_next_process(self, tmp_path):
        ids = Ids(tmp_path / "ids")
        ids.begin("a" * 64, 1000)
        ids.add(0, self.names(0, 1000))
        ids.save()
        ids.close()
        again = Ids(tmp_path / "ids")
        again.begin("a" * 64, 1200)
        assert again.covered == 1000
        assert self.places(again, 0, 1001) == [*range(1000), None]
        again.close()

    def test_the_index_of_another_log_or_of_a_longer_one_is_forgotten(self, tmp_path):
        for log_id, size in (("b" * 64, 1000), ("a" * 64, 999)):
            ids = Ids(tmp_path / "ids")
            ids.begin("a" * 64, 1000)
            ids.add(ids.covered, self.names(ids.covered, 1000))
            ids.save()
            ids.close()
            other = Ids(tmp_path / "ids")
            other.begin(log_id, size)
            assert other.covered == 0
            assert self.places(other, 5, 6) == [None]
            other.close()

    def test_two_processes_that_save_leave_no_hole(self, tmp_path):
        one, two = Ids(tmp_path / "ids"), Ids(tmp_path / "ids")
        for ids, size in ((one, 400), (two, 700)):
            ids.begin("a" * 64, 1000)
            ids.add(0, self.names(0, size))
            ids.add(5, [Named("f" * 64, "2026-01-24T12:00:00Z")])
        two.save()
        one.save()
        one.close()
        two.close()
        last = Ids(tmp_path / "ids")
        last.begin("a" * 64, 1000)
        assert last.covered == 700
        assert self.places(last, 0, 700) == list(range(700))
        last.close()

    def test_a_file_that_another_process_began_anew_is_not_continued_with_a_hole(self, tmp_path):
        ids = Ids(tmp_path / "ids")
        ids.begin("a" * 64, 1000)
        ids.add(0, self.names(0, 400))
        ids.save()
        with sqlite3.connect(tmp_path / "ids") as file:
            file.execute("DELETE FROM ids")
            file.execute("UPDATE meta SET value = '0' WHERE name = 'size'")
        file.close()
        ids.add(400, self.names(400, 800))
        ids.save()
        ids.close()
        last = Ids(tmp_path / "ids")
        last.begin("a" * 64, 1000)
        assert last.covered == 0
        last.close()

    def test_a_file_with_places_that_are_no_numbers_is_made_anew(self, tmp_path):
        ids = Ids(tmp_path / "ids")
        ids.begin("a" * 64, 1000)
        ids.add(0, self.names(0, 400))
        ids.save()
        with sqlite3.connect(tmp_path / "ids") as file:
            file.execute("UPDATE ids SET place = 'x'")
        file.close()
        assert ids.find(self.names(0, 2)) == {}
        assert ids.covered == 0
        ids.close()

    def test_the_file_of_an_earlier_version_is_made_anew(self, tmp_path):
        with sqlite3.connect(tmp_path / "ids") as file:
            file.execute("CREATE TABLE ids (id BLOB PRIMARY KEY, place INTEGER) WITHOUT ROWID")
            file.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
            file.executemany("INSERT INTO meta VALUES (?, ?)", [("log", "a" * 64), ("size", "400")])
            file.execute("PRAGMA user_version = 1")
        file.close()
        ids = Ids(tmp_path / "ids")
        ids.begin("a" * 64, 1000)
        assert ids.covered == 0
        ids.add(0, self.names(0, 400))
        ids.save()
        assert self.places(ids, 0, 401) == [*range(400), None]
        ids.close()

    def test_a_tail_goes_on_where_the_file_ends_and_nowhere_else(self, tmp_path):
        one, other, shorter, ahead = (Ids(tmp_path / name) for name in ("one", "other", "shorter", "ahead"))
        one.begin("a" * 64, 100)
        one.add(0, self.names(0, 100))
        tail = one.tail()
        one.save()  # too few to be worth it
        again = Ids(tmp_path / "one")
        again.begin("a" * 64, 120)
        again.resume(tail, 120)
        assert self.places(again, 0, 101) == [*range(100), None]
        assert again.covered == 100
        other.begin("b" * 64, 120)
        shorter.begin("a" * 64, 99)
        ahead.begin("a" * 64, 120)
        ahead.add(0, self.names(200, 201))
        for ids, size, covered in ((other, 120, 0), (shorter, 99, 0), (ahead, 120, 1)):
            ids.resume(tail, size)
            assert ids.covered == covered
            assert self.places(ids, 0, 1) == [None]

    def test_where_no_file_can_be_made_memory_has_to_do(self, tmp_path):
        (tmp_path / "file").write_text("")
        ids = Ids(tmp_path / "file" / "ids")
        ids.begin("a" * 64, 1000)
        ids.add(0, self.names(0, 400))
        ids.save()
        assert ids.covered in (0, 400)
        ids.add(ids.covered, self.names(ids.covered, 500))
        assert self.places(ids, 0, 500) == list(range(500))
