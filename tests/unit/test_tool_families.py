# ruff: noqa: RUF001 - the tools print these characters
"""What the tools of the trade print when they fail, each alone: the category and the line that says it.

Texts are the tools' own formats, from runs here or from their sources, around names of ours.
"""

from __future__ import annotations

import pytest

from hee_monitoring.classify import explain_log
from hee_monitoring.database import PatternDB

DB = PatternDB.load()
EXIT = "##[error]Process completed with exit code 1.\n"
TOLD = [
    (
        "hadolint",
        "Dockerfile:3 DL3008 warning: Pin versions in apt get install. Instead of `apt-get install <package>` use `apt-get install <package>=<version>`\n",
        "lint",
        1,
    ),
    (
        "hadolint on a terminal",
        "-:1 DL3006 \x1b[1m\x1b[93mwarning\x1b[0m: Always tag the version of an image explicitly\n",
        "lint",
        1,
    ),
    (
        "npm audit",
        "# npm audit report\n\nlodash  <=4.17.20\nSeverity: high\nCommand Injection in lodash - https://github.com/advisories/GHSA-35jh-r3h4-6jhm\nfix available via `npm audit fix`\nnode_modules/lodash\n\n1 high severity vulnerability\n",
        "security",
        1,
    ),
    (
        "trivy",
        "\nalpine:3.10 (alpine 3.10.9)\n===========================\nTotal: 2 (HIGH: 1, CRITICAL: 1)\n\n┌────────────┬────────────────┬──────────┐\n│  Library   │ Vulnerability  │ Severity │\n├────────────┼────────────────┼──────────┤\n│ apk-tools  │ CVE-2021-36159 │ CRITICAL │\n",
        "security",
        4,
    ),
    (
        "golangci-lint",
        'main.go:7:2: Error return value of `os.Remove` is not checked (errcheck)\n\tos.Remove("x")\n\t^\n1 issues:\n* errcheck: 1\n',
        "lint",
        1,
    ),
    ("golangci-lint, plain", "main.go:7:2: ineffectual assignment to x (ineffassign)\n", "lint", 1),
    (
        "dotnet test",
        "  Failed Adds [12 ms]\n  Error Message:\n   Assert.Equal() Failure: Values differ\nExpected: 3\nActual:   2\n  Stack Trace:\n     at T.Adds() in /src/T.cs:line 9\n\nFailed!  - Failed:     1, Passed:     0, Skipped:     0, Total:     1, Duration: 12 ms - T.dll (net8.0)\n",
        "test",
        1,
    ),
    (
        "gradle",
        "> Task :test FAILED\n\nATest > adds() FAILED\n    org.opentest4j.AssertionFailedError at ATest.java:9\n\n1 test completed, 1 failed\n\nFAILURE: Build failed with an exception.\n",
        "test",
        4,
    ),
    (
        "surefire",
        "[INFO] Running ATest\n[ERROR] Tests run: 1, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! -- in ATest\n[ERROR] ATest.adds -- Time elapsed: 0.01 s <<< FAILURE!\norg.opentest4j.AssertionFailedError: expected: <3> but was: <2>\n",
        "test",
        4,
    ),
    (
        "lychee",
        "✗ [404] https://example.com/gone | Failed: Network error: Not Found\n\n🔍 2 Total ✅ 1 OK 🚫 1 Error\n",
        "docs-link",
        1,
    ),
    (
        "lychee, plain",
        '[404] <https://example.com/gone> | Rejected status code (this depends on your "accept" configuration): Not Found\n',
        "docs-link",
        1,
    ),
    (
        "codecov",
        '[error] - 2024-01-01 00:00:00,000 -- Upload failed: {"message":"Token required - not valid tokenless upload"}\n',
        "coverage",
        1,
    ),
    (
        "docker build",
        '#8 [4/5] RUN make\n#8 0.321 make: *** No targets specified and no makefile found.  Stop.\n#8 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2\n------\n > [4/5] RUN make:\n------\nERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2\n',
        "build-config",
        2,
    ),
    (
        "gh",
        "HTTP 403: Resource not accessible by integration (https://api.github.com/repos/a/b/issues)\n",
        "permission",
        1,
    ),
    ("gh graphql", "GraphQL: Resource not accessible by integration (addComment)\n", "permission", 1),
    (
        "trufflehog",
        "🐷🔑🐷  TruffleHog. Unearth your secrets. 🐷🔑🐷\n\n✅ Found verified result 🐷🔑\nDetector Type: AWS\n",
        "security",
        3,
    ),
    (
        "gitleaks",
        'Finding:     key = "REDACTED"\nRuleID:      aws-access-token\n\n12:00PM WRN leaks found: 1\n',
        "security",
        4,
    ),
    ("safety", "-> Vulnerability found in jinja2 version 2.4.1\n   Vulnerability ID: 25866\n", "security", 1),
    (
        "semgrep",
        "┌─────────────────┐\n│ 1 Code Finding  │\n└─────────────────┘\n\n    a.py\n   ❯❯❱ python.lang.security.audit.subprocess-shell-true\n          Found 'subprocess' function with 'shell=True'\n\nRan 1 rule on 1 file: 1 finding.\n",
        "security",
        9,
    ),
    (
        "cargo audit",
        "Crate:     time\nVersion:   0.1.43\nTitle:     Potential segfault in the time crate\nID:        RUSTSEC-2020-0071\nerror: 1 vulnerability found!\n",
        "security",
        1,
    ),
    ("cargo deny", "error[unlicensed]: x = 0.1.0 is unlicensed\n", "license", 1),
    (
        "minitest",
        "  1) Failure:\nTestA#test_adds [test/a_test.rb:5]:\nExpected: 3\n  Actual: 2\n\n1 runs, 1 assertions, 1 failures, 0 errors, 0 skips\n",
        "test",
        1,
    ),
    ("tap", "TAP version 13\n1..1\nnot ok 1 - adds\n", "test", 3),
    (
        "playwright",
        "  1) [chromium] › a.spec.ts:3:5 › adds ────────\n\n    Error: expect(received).toBe(expected)\n\n  1 failed\n",
        "test",
        1,
    ),
    ("cypress", "  1) sum\n       adds:\n     AssertionError: expected 2 to equal 3\n\n  1 failing\n", "test", 3),
    (
        "sphinx linkcheck",
        "(           index: line    4) broken    https://example.com/gone - 404 Client Error: Not Found\nbuild finished with problems.\n",
        "docs-link",
        1,
    ),
    (
        "reuse",
        "# MISSING COPYRIGHT AND LICENSING INFORMATION\n\nThe following files have no copyright and licensing information:\n* a.py\n\nUnfortunately, your project is not compliant with version 3.0 of the REUSE Specification :-(\n",
        "license",
        6,
    ),
    (
        "tflint",
        '1 issue(s) found:\n\nWarning: variable "a" is declared but not used (terraform_unused_declarations)\n\n  on main.tf line 1:\n',
        "lint",
        1,
    ),
    (
        "biome",
        "a.js:1:1 lint/style/useConst ━━━━━━━━━\n\n  ✖ This let declares a variable that is only assigned once.\n\nFound 1 error.\n",
        "lint",
        1,
    ),
    (
        "oxlint",
        "  x eslint(no-debugger): `debugger` statement is not allowed\n   ,-[a.js:1:1]\nFound 0 warnings and 1 error.\n",
        "lint",
        1,
    ),
    (
        "docker pull",
        "Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit\n",
        "rate-limit",
        1,
    ),
    ("kotlin", "e: file:///a/src/A.kt:3:5 Unresolved reference: foo\n", "compile", 1),
    ("ty", "error[unresolved-import]: Cannot resolve imported module `x`\n --> a.py:1:8\n", "typecheck", 1),
    (
        "pyright",
        '  /a/a.py:2:12 - error: Type "str" is not assignable to return type "int" (reportReturnType)\n1 error, 0 warnings, 0 informations\n',
        "typecheck",
        1,
    ),
    (
        "sqlfluff",
        "== [a.sql] FAIL\nL:   1 | P:   1 | LT01 | Expected only single space before naked identifier.\n",
        "lint",
        2,
    ),
    (
        "ansible-lint",
        "playbook.yml:3: name[missing]: All tasks should be named.\n\nFailed: 1 failure(s), 0 warning(s) on 1 files.\n",
        "lint",
        1,
    ),
    (
        "deptry",
        "pyproject.toml: DEP002 'x' defined as a dependency but not used in the codebase\nFound 1 dependency issue.\n",
        "lint",
        1,
    ),
    ("vulture", "a.py:3: unused function 'f' (60% confidence)\n", "lint", 1),
    (
        "uv",
        "  × No solution found when resolving dependencies:\n  ╰─▶ Because x was not found in the package registry and you require x, we can conclude that your requirements are unsatisfiable.\n",
        "dependency",
        1,
    ),
    (
        "checkov",
        'Passed checks: 1, Failed checks: 1, Skipped checks: 0\n\nCheck: CKV_AWS_20: "S3 Bucket has an ACL defined which allows public READ access."\n\tFAILED for resource: aws_s3_bucket.a\n\tFile: /main.tf:1-4\n',
        "security",
        1,
    ),
    ("doc8", "Validating...\na.rst:4: D002 Trailing whitespace\n========\nTotal accumulated errors = 1\n", "lint", 2),
    ("gitlint", '1: T8 Title is too short (1<5): "x"\n', "policy", 1),
    ("go vet", '# x\n./a.go:3:12: fmt.Printf format %d has arg "a" of wrong type string\n', "lint", 2),
    (
        "htmlhint",
        "      L1 |<html>\n          ^ Doctype must be declared before any non-comment content. (doctype-first)\n",
        "lint",
        2,
    ),
    (
        "jq program",
        "jq: error: foo/0 is not defined at <top-level>, line 1:\n.a | foo     \njq: 1 compile error\n",
        "workflow-config",
        1,
    ),
    ("jq input", "parse error: Unfinished JSON term at EOF at line 2, column 0\n", "workflow-config", 1),
    ("license-checker", 'Found license defined by the --failOn flag: "GPL-3.0". Exiting.\n', "license", 1),
    (
        "linkinator",
        "[200] a.html\n[404] gone.html\n\nERROR: Detected 1 broken links. Scanned 2 links in 0.44 seconds.\n",
        "docs-link",
        2,
    ),
    ("mdformat", 'Error: File "a.md" is not formatted.\n', "format", 1),
    (
        "mkdocs",
        "INFO    -  Building documentation to directory: site\nWARNING -  Doc file 'index.md' contains a link 'gone.md', but the target is not found among documentation files.\n\nAborted with 1 warnings in strict mode!\n",
        "docs-link",
        2,
    ),
    ("pydocstyle", "a.py:1 at module level:\n        D100: Missing docstring in public module\n", "lint", 2),
    ("pyflakes", "a.py:1:1: 'os' imported but unused\na.py:3:9: undefined name 'x'\n", "lint", 1),
    (
        "rstcheck",
        'a.rst:2: (INFO/1) Possible title underline, too short for the title.\na.rst:4: (ERROR/3) Unknown directive type "nope".\nError! Issues detected.\n',
        "lint",
        2,
    ),
]


@pytest.mark.parametrize(("text", "category", "line"), [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])
def test_a_tool_is_understood_by_what_it_prints(text: str, category: str, line: int) -> None:
    found = explain_log((text + EXIT).encode(), DB)
    assert (found.category, found.line) == (category, line)
