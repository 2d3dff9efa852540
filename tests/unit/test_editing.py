"""A configuration whose settings are changed keeps every comment, and everything else that it says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hee_core.errors import ConfigError
from hee_governance.config import dump_default, load
from hee_governance.document import Node, read
from hee_governance.editing import edited

DENSE = b"""# above

hee_monitoring: # beside
    version: '1.0'   # quoted
    quality_gates:
    # before the first
    - spec_coverage: 100% # why
    - state_preservation: 100%

    # between
    fix:
        max_severity: high   # never above
        paths: ["src/**", 'tests/**']  # two
# below
"""
MAPPING = b'---\nhee_monitoring:\r\n  version: "1.0"\r\n  quality_gates: {spec_coverage: 90%}  # flow\r\n'


def comments(data: bytes) -> list[str]:
    return sorted(re.findall(r"#.*", data.decode()))


@pytest.mark.parametrize(
    "data", [dump_default(), dump_default("a" * 64), DENSE, MAPPING], ids=["own", "log", "dense", "map"]
)
@settings(max_examples=6)
@given(percent=st.integers(0, 100), severity=st.sampled_from(["low", "medium", "high"]))
def test_what_is_set_is_read_again_and_every_comment_stays(data, percent, severity):
    new = edited(data, "quality_gates.spec_coverage", f"{percent}%")
    new = edited(new, "fix.max_severity", severity)
    assert (load(new).quality_gates["spec_coverage"], load(new).max_severity) == (percent * 100, severity)
    assert comments(new) == comments(data)
    kept = [line.strip() for line in new.decode().splitlines()]
    lines = [line.strip() for line in data.decode().splitlines()]
    assert [line for line in lines if line not in kept and "coverage" not in line and "max_severity" not in line] == []
    assert edited(new, "fix.max_severity", severity) == new


@pytest.mark.spec("SEED-247")
@pytest.mark.parametrize(
    "data", [dump_default(), dump_default("a" * 64), DENSE, MAPPING], ids=["own", "log", "dense", "map"]
)
def test_our_reader_of_yaml_says_what_ruamel_says(data):
    tree = read(data)
    assert isinstance(tree, Node)
    assert tree.plain == YAML(typ="safe", pure=True).load(data.decode())


def test_line_ends_byte_order_marks_and_quotes_stay():
    new = edited(b"\xef\xbb\xbf" + MAPPING.replace(b"---\n", b"---\r\n"), "governance_rules", "warn")
    assert new.startswith(b"\xef\xbb\xbf---\r\n")
    assert b"\n" not in new.replace(b"\r\n", b"")
    assert b'version: "1.1"' in edited(MAPPING, "version", "1.1")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("fix.max_severity", "enormous", r"hee\.yaml:12: /hee_monitoring/fix/max_severity"),
        ("fix.max_sevirity", "high", r"/hee_monitoring/fix/max_sevirity"),
        ("quality_gates.spec_coverage", "101%", r"hee\.yaml:7: /hee_monitoring/quality_gates"),
        ("version", "[", r"version: the value"),
        ("version", "!!python/object:os.system x", r"the value has the tag"),
        ("version.deeper", "x", r"deeper stands in no mapping"),
        ("fix", "{max_severity: high}", r"would lose the comment '# (never above|two)'"),
        ("", "x", r"/hee_monitoring/"),
    ],
)
def test_what_is_not_valid_is_refused_with_its_place(key, value, said):
    with pytest.raises(ConfigError, match=said):
        edited(DENSE, key, value)


def test_a_file_that_is_broken_already_is_not_edited():
    with pytest.raises(ConfigError, match=r"hee\.yaml:1"):
        edited(b"hee_monitoring: {version: 1}\n", "governance_rules", "warn")


def test_an_anchor_that_two_settings_share_is_not_changed_for_both():
    shared = DENSE.replace(b"paths: [", b"deny_paths: &a [x]\n        paths: *a #[")
    with pytest.raises(ConfigError, match="would"):
        edited(shared, "fix", "{}")
