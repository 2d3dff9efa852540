"""Spec coverage: clauses, traces, and what does not count."""

from __future__ import annotations

import pytest

from hee_governance.config import dump_default, load
from hee_governance.document import Unreadable
from hee_governance.speccoverage import spec_coverage
from hee_governance.traces import traces

SPEC = b"# Rules\n\nMUST-CORE-001 starts.\nSHOULD-CORE-002 and SEED-069 stop; see MUST-CORE-001.\n"
GOOD = "import pytest\n\n@pytest.mark.spec('MUST-CORE-001')\ndef test_a():\n    assert f() == 1\n"


def measure(tests: dict[str, str], spec: bytes = SPEC):
    return spec_coverage({"docs/spec/rules.md": spec, **{path: text.encode() for path, text in tests.items()}})


@pytest.mark.spec("SEED-206")
def test_a_clause_with_an_asserting_test_is_covered_and_the_others_are_named_with_their_place():
    found = measure({"tests/test_a.py": GOOD})
    assert (found.value, found.numerator, found.denominator) == (3333, 1, 3)
    assert [(c.id, c.path, c.line) for c in found.uncovered] == [
        ("SHOULD-CORE-002", "docs/spec/rules.md", 4),
        ("SEED-069", "docs/spec/rules.md", 4),
    ]
    assert found.uncovered[0].text.startswith("SHOULD-CORE-002 and")
    measured = found.measure
    assert (measured.name, measured.value, measured.denominator) == ("spec_coverage", 3333, 3)
    assert measured.evidence[0] == "docs/spec/rules.md:4 SHOULD-CORE-002"


def test_without_a_specification_the_value_is_unknown():
    found = spec_coverage({"tests/test_a.py": GOOD.encode()})
    assert (found.value, found.denominator, found.orphans) == (None, 0, ())


@pytest.mark.parametrize(
    "path", ["docs/spec.md", "docs/spec-api.rst", "docs/specs/a/b.txt", "spec/x.yaml", "specs/x.adoc", "SPEC.md"]
)
def test_specifications_are_found_in_the_usual_places(path):
    assert spec_coverage({path: SPEC}).denominator == 3


@pytest.mark.parametrize("path", ["docs/guide.md", "docs/spec/x.png", "lib/spec/x.md", "spec/models/user_spec.rb"])
def test_other_files_are_no_specifications(path):
    assert spec_coverage({path: SPEC}).denominator == 0


@pytest.mark.parametrize(
    "text", ["XMUST-CORE-001", "MUST-CORE-0011", "SEED-0690", "NOT-SEED-069", "SEED-069_x", "SEED-06"]
)
def test_a_part_of_a_longer_word_is_no_clause(text):
    assert measure({}, text.encode()).denominator == 0


def test_a_range_names_its_first_clause_once():
    assert [c.id for c in measure({}, b"SEED-001..007 (SEED-001), SEED-003").uncovered] == ["SEED-001", "SEED-003"]


def test_places_and_ids_are_configurable():
    config = load(dump_default() + b"  spec: {files: ['rules/*.md'], tests: ['checks/'], clauses: ['R-[0-9]+']}\n")
    tree = {"rules/a.md": b"R-1 R-22 SEED-001", "docs/spec/b.md": SPEC, "checks/x.go": b"// spec: R-22\n"}
    found = spec_coverage(tree, config)
    assert (found.numerator, found.denominator) == (1, 2)


def test_an_orphan_trace_is_listed():
    found = measure({"tests/test_a.py": GOOD.replace("MUST-CORE-001", "MUST-CORE-999")})
    assert [(trace.clause, trace.path, trace.line) for trace in found.orphans] == [
        ("MUST-CORE-999", "tests/test_a.py", 3)
    ]


def test_the_inputs_digest_names_what_was_read():
    one, other = measure({"tests/test_a.py": GOOD}), measure({"tests/test_a.py": GOOD + "\n"})
    assert one.inputs != other.inputs
    assert one.inputs == measure({"tests/test_a.py": GOOD, "src/x.py": "x"}).inputs


@pytest.mark.spec("SEED-042")
@pytest.mark.parametrize(
    ("path", "data"), [("tests/test_b.py", b"def ("), ("docs/spec/b.md", b"\xff"), ("docs/spec/b.md", b"x" * 4_000_001)]
)
def test_what_cannot_be_read_makes_the_value_unknown(path, data):
    found = spec_coverage(
        {
            "docs/spec/rules.md": b"SEED-001",
            "tests/test_a.py": GOOD.replace("MUST-CORE-001", "SEED-001").encode(),
            path: data,
        }
    )
    assert (found.value, found.numerator) == (None, 1)
    assert [name for name, _ in found.unreadable] == [path]


COVERING = [
    GOOD,
    "import pytest\n@pytest.mark.spec('X', 'MUST-CORE-001')\nasync def test_a():\n    with pytest.raises(ValueError):\n        f()\n",
    "import pytest\npytestmark = pytest.mark.spec('MUST-CORE-001')\ndef test_a():\n    assert f()\n",
    "import pytest\npytestmark = [pytest.mark.slow, pytest.mark.spec('MUST-CORE-001')]\ndef test_a():\n    assert f()\n",
    "from pytest import mark\n@mark.spec('MUST-CORE-001')\nclass TestX:\n    def test_a(self):\n        self.assertEqual(f(), 1)\n",
    "class TestX:\n    pytestmark = (pytest.mark.spec('MUST-CORE-001'),)\n    def test_a(self):\n        assert f()\n",
    "@spec('MUST-CORE-001')\ndef test_a():\n    check(f())\n\ndef check(x):\n    inner(x)\n\ndef inner(x):\n    assert x\n",
    "@pytest.mark.spec('MUST-CORE-001')\ndef test_a(case):\n    assert_valid(case)\n",
    "@pytest.mark.spec('MUST-CORE-001')\ndef test_a():\n    if not f():\n        raise AssertionError\n",
    "@pytest.mark.spec('MUST-CORE-001')\ndef test_a():\n    if windows:\n        pytest.skip('x')\n    assert f()\n",
    "@pytest.mark.spec('MUST-CORE-001')\ndef test_a():\n    pytest.fail('x')\n",
]


@pytest.mark.parametrize("text", COVERING)
def test_a_test_that_can_fail_covers_its_clauses(text):
    assert [t.why for t in traces("t.py", text.encode()) if t.clause == "MUST-CORE-001"] == [""]  # type: ignore[union-attr]


@pytest.mark.spec("SEED-287")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD.replace("\ndef", "\n@pytest.mark.skip\ndef"), "marked skip"),
        (GOOD.replace("\ndef", "\n@pytest.mark.skipif(x, reason='y')\ndef"), "marked skipif"),
        (GOOD.replace("\ndef", "\n@pytest.mark.xfail(strict=True)\ndef"), "marked xfail"),
        (GOOD.replace("\ndef", "\n@unittest.skipUnless(x, 'y')\ndef"), "marked skipUnless"),
        ("pytestmark = pytest.mark.skip\n" + GOOD, "marked skip"),
        (
            "@pytest.mark.skip\nclass T:\n  @pytest.mark.spec('MUST-CORE-001')\n  def test_a(self): assert f()\n",
            "marked skip",
        ),
        (GOOD.replace("    assert f", "    pytest.skip('pending')\n    assert f"), "skips itself"),
        (GOOD.replace("assert f() == 1", "f()"), "asserts nothing"),
        (GOOD.replace("assert f() == 1", "assert True"), "asserts nothing"),
        (GOOD.replace("assert f() == 1", "loop()") + "def loop():\n    loop()\n", "asserts nothing"),
        (GOOD.replace("assert f() == 1", "(lambda: x)()"), "asserts nothing"),
    ],
)
def test_a_test_that_cannot_fail_does_not_cover(text, why):
    found = measure({"tests/test_a.py": text})
    assert found.numerator == 0
    assert why in next(c.why for c in found.uncovered if c.id == "MUST-CORE-001")


def test_one_covering_test_is_enough():
    text = GOOD + GOOD.replace("test_a", "test_b").replace("\ndef", "\n@pytest.mark.skip\ndef")
    assert measure({"tests/test_a.py": text}).numerator == 1


@pytest.mark.parametrize(
    "text",
    [
        "@pytest.mark.spec('MUST-CORE-001')\ndef helper():\n    assert f()\n",
        "@pytest.mark.spec(NAME)\ndef test_a():\n    assert f()\n",
        "@pytest.mark.spec\ndef test_a():\n    assert f()\n",
        "@marks['spec']('MUST-CORE-001')\ndef test_a():\n    assert f()\n",
        "other = pytest.mark.spec('MUST-CORE-001')\ndef test_a():\n    assert f()\n",
        "# spec: MUST-CORE-001\ndef test_a():\n    assert f()\n",
    ],
)
def test_what_is_no_marker_of_a_test_is_no_trace(text):
    assert traces("t.py", text.encode()) == ()


@pytest.mark.spec("SEED-289")
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.test.ts", "import x\n// spec: MUST-CORE-001, SEED-069\n"),
        ("x_test.go", "\t// spec: MUST-CORE-001 SEED-069\n"),
        ("x_spec.rb", "# spec: MUST-CORE-001\n# spec: SEED-069\n"),
        ("t.sql", "-- spec: MUST-CORE-001 SEED-069"),
        ("T.java", "/* spec: MUST-CORE-001, SEED-069 */"),
        ("t.html", "<!-- spec: MUST-CORE-001 SEED-069 -->"),
    ],
)
def test_other_languages_trace_with_plain_comments(path, text):
    assert [t.clause for t in traces(path, text.encode())] == ["MUST-CORE-001", "SEED-069"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"def (\n", 1), (b"x = '\\d'\nif\n", 2), (b"x\0", 0), (b"-" * 100_000 + b"1", 0), (b"#" * 2_000_001, 0)],
)
def test_source_that_cannot_be_read_says_so(data, line):
    found = traces("t.py", data)
    assert isinstance(found, Unreadable)
    assert found.message
    assert found.line == line or line == 0


def test_odd_escapes_in_a_test_warn_nobody():
    assert traces("t.py", b"x = '\\d'\n") == ()
