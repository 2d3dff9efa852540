"""What a program can see: an environment from nothing, and the places that are covered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring import isolation, rooms

HOME = Path("/sandbox/home")


def environment(outside: dict[str, str], *, network: bool = True) -> dict[str, str]:
    return isolation.environment(outside, home=HOME, path="/bin", network=network)


def test_the_environment_begins_from_nothing() -> None:
    found = environment(
        {"HOME": "/home/ada", "USER": "ada", "EDITOR": "vi", "PYTHONPATH": "/x", "CI": "true", "VIRTUAL_ENV": "/v"}
    )
    assert found == {
        "PATH": "/bin", "HOME": "/sandbox/home", "TMPDIR": "/sandbox/home/tmp", "LANG": "C.UTF-8", "TZ": "UTC", "TERM": "dumb",
        "SHELL": "/bin/sh", "GIT_TERMINAL_PROMPT": "0", "USER": "ada",
    }  # fmt: skip


def test_what_a_registry_needs_is_passed_only_with_network() -> None:
    outside = {
        "SSL_CERT_FILE": "/c",
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "https_proxy": "http://proxy:1",
        "npm_config_registry": "https://r",
    }
    assert outside.items() <= environment(outside).items()
    assert not outside.keys() & environment(outside, network=False).keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_TOKEN", "x"), ("UV_PUBLISH_TOKEN", "x"), ("NPM_CONFIG__AUTH", "x"), ("PIP_PASSWORD", "x"), ("HEE_SIGNING_KEY", "x"),
        ("SSH_AUTH_SOCK", "/x"), ("GIT_ASKPASS", "/x"), ("GIT_SSL_CAINFO", "/x"), ("AWS_SECRET_ACCESS_KEY", "x"),
        ("PIP_INDEX_URL", "https://ada:pw@mirror.example/simple"), ("HTTPS_PROXY", "http://ada:pw@proxy:1"), ("YARN_NPM_AUTH_TOKEN", "x"),
        ("CARGO_REGISTRIES_OURS_TOKEN", "x"),
    ],
)  # fmt: skip
def test_a_credential_is_never_passed(name: str, value: str) -> None:
    assert name not in environment({name: value})


@given(st.dictionaries(st.text("ABCDEFGHIKNOPRSTUVW_", max_size=24), st.text(max_size=20)))
def test_no_name_of_a_secret_and_no_address_with_a_login_gets_through(outside: dict[str, str]) -> None:
    passed = environment(outside).items() - environment({}).items()
    for name, value in passed:
        assert not any(word in name for word in ("TOKEN", "SECRET", "PASSW", "KEY", "AUTH"))
        assert "@" not in value or "//" not in value


def test_runtimes_in_the_user_s_home_are_still_found(tmp_path: Path) -> None:
    (tmp_path / ".pyenv").mkdir()
    (tmp_path / "jdk").mkdir()
    found = environment({"HOME": str(tmp_path), "JAVA_HOME": str(tmp_path / "jdk"), "NVM_DIR": str(tmp_path / "gone")})
    assert (found["PYENV_ROOT"], found["JAVA_HOME"]) == (str(tmp_path / ".pyenv"), str(tmp_path / "jdk"))
    assert "NVM_DIR" not in found
    assert "GOROOT" not in found


def test_the_path_has_no_relative_entries_and_no_repetitions() -> None:
    assert isolation.search_path({"PATH": "/a::.:b:/c:/a"}, "/z") == "/a:/c:/z"
    assert isolation.search_path({}, "/z").endswith(":/z")


def test_the_homes_of_keys_and_logins_are_covered_where_they_exist(tmp_path: Path) -> None:
    for name in (".ssh", ".config/gh", ".local/share/hee", "hee/keys", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".netrc").touch()
    found = isolation.private_places(
        {"HOME": str(tmp_path), "HEE_HOME": str(tmp_path / "hee")}, (tmp_path / "other", tmp_path / "none")
    )
    found = tuple(place for place in found if place.is_relative_to(tmp_path))
    assert set(found) == {
        tmp_path / name for name in (".ssh", ".config/gh", ".local/share/hee", ".netrc", "hee/keys", "other")
    }


def test_a_place_inside_another_is_covered_by_it(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    assert isolation.outermost((tmp_path / "a/b", tmp_path / "link", tmp_path / "a")) == (tmp_path / "a",)


def test_prefixes_of_programs_get_a_layer_unless_they_hold_what_is_kept(tmp_path: Path) -> None:
    for name in ("venv/bin", "tools/bin", "work/here/bin"):
        (tmp_path / name).mkdir(parents=True)
    path = ":".join(str(tmp_path / name) for name in ("venv/bin", "tools/bin", "work/here/bin", "gone/bin"))
    found = isolation.throw_away_places(
        {"PATH": path, "HOME": str(tmp_path), "PYENV_ROOT": ""},
        (str(tmp_path / "venv"), "relative"),
        (tmp_path / "work/here/tree",),
    )
    assert {place for place in found if place.is_relative_to(tmp_path)} == {tmp_path / "venv", tmp_path / "tools"}


def test_mounts_are_read_from_the_kernel_with_the_root_last() -> None:
    assert any(point == "/" for point, _ in isolation.mount_points())
    assert isolation.closed_mounts(())[-1] == "/"
    kinds = dict(isolation.mount_points())
    assert all(kinds[point] not in ("proc", "sysfs", "tmpfs") for point in isolation.closed_mounts(()) if point != "/")


def test_places_are_written_as_the_table_of_mounts_wants_them(tmp_path: Path) -> None:
    home, odd = tmp_path / "my home", tmp_path / "a b#c"
    for place in (home, odd):
        place.mkdir()
    plan = isolation.Plan(home, home, home / "flag", hidden=(odd,), layers=(odd, tmp_path / "with,comma"))
    plan.build(user=True)
    table = plan.table("hidden").read_text(encoding="utf-8")
    assert f"{tmp_path}/a\\040b\\043c tmpfs size=16k,mode=0700,ro 0 0" in table
    layers = plan.table("layers").read_text(encoding="utf-8")
    assert layers.count("\n") == 1
    assert ",userxattr 0 0" in layers
    plan.flag.touch()
    plan.clear()
    assert [place.name for place in home.iterdir()] == [".layers"]


def test_a_locked_directory_can_be_removed(tmp_path: Path) -> None:
    place = tmp_path / "locked"
    (place / "in/side").mkdir(parents=True)
    (place / "in/side/file").touch()
    (place / "link").symlink_to(tmp_path)
    (place / "in/side").chmod(0)
    (place / "in").chmod(0)
    rooms.remove(place)
    assert not place.exists()
    assert tmp_path.exists()


def test_people_get_a_limit_on_processes_and_root_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "ulimit -S -u" in isolation.limits()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "-u" not in isolation.limits()
