"""What tells a tool, a test runner or a shell to look away, in the languages that are repaired, as expressions for RE2.

Responsible for the list alone; how it is counted is `weakening`'s. The whole match counts: widening one is adding one.
"""

from __future__ import annotations

PIECES = (
    r"(?:#:?|//|--)[^\S\n]*(?:(?:ruff|flake8)[^\S\n]*:[^\S\n]*)?noqa\b(?:[^\S\n]*:[^\S\n]*[A-Z]+[0-9]+(?:(?:,|[^\S\n])+[A-Z]+[0-9]+)*)?",
    r"#[^\S\n]*(?:type|ty|pyright|pyre)[^\S\n]*:[^\S\n]*ignore\b(?:\[[^\]\n]*\])?",
    r"#[^\S\n]*(?:mypy|pyright|pyre|pylint|pycodestyle|yapf|isort|fmt|bandit|ruff|black|pyrefly)[^\S\n]*:[^\n]*",
    r"#[^\S\n]*pyre-(?:ignore|fixme)[^\n]*",
    r"#[^\S\n]*nosec\b[^\n]*", r"#[^\S\n]*nosemgrep\b[^\n]*", r"#[^\S\n]*pragma[^\S\n]*:?[^\S\n]*no[^\S\n]*(?:cover|branch)\b",
    r"(?:eslint|stylelint|tslint|prettier|biome|oxlint|deno-lint)-(?:disable|ignore)[^\n]*",
    r"@ts-(?:ignore|nocheck|expect-error)\b", r"\b(?:istanbul|c8|v8)[^\S\n]+ignore\b[^\n]*", r"\$Flow(?:FixMe|Ignore)\w*",
    r"//[^\S\n]*nolint\b[^\n]*", r"#!?\[[^\S\n]*(?:cfg_attr\([^\]\n]*)?(?:allow|expect)\([^\]\n]*\]",
    r"#\[[^\S\n]*(?:rustfmt::skip|ignore)\b", r"@SuppressWarnings\b[^\n]*", r"@Suppress\b[^\n]*", r"NOSONAR|NOLINT|CHECKSTYLE:OFF",
    r"rubocop:(?:disable|todo)[^\n]*", r"shellcheck[^\S\n]+disable=[^\n]*", r"hadolint[^\S\n]+ignore=[^\n]*",
    r"markdownlint-disable[^\n]*", r"yamllint[^\S\n]+disable[^\n]*", r"(?:tflint|checkov|tfsec|trivy|kics)[-:](?:ignore|skip)[^\n]*",
    r"pragma:[^\S\n]*allowlist[^\S\n]+secret", r"gitleaks:allow", r"phpcs:(?:ignore|disable)[^\n]*", r"@phpstan-ignore\S*",
    r"continue-on-error[^\S\n]*:[^\n]*", r"allow_failure[^\S\n]*:[^\n]*", r"\|\|[^\S\n]*(?:true|:|exit[^\S\n]+0|/bin/true)(?:[\s;\"')]|$)",
    r"\bset[^\S\n]+\+e\b", r"\bset[^\S\n]+\+o[^\S\n]+(?:errexit|pipefail)\b", r";[^\S\n]*(?:true|exit[^\S\n]+0)(?:[\s\"')]|$)",
    r"--no-verify\b", r"--exit-zero\b", r"--passWithNoTests\b", r"--force-exit\b", r"--if-present\b", r"--deselect\b", r"--ignore=\S+",
    r"\b(?:pytest|mark)\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b", r"\bunittest\.(?:skip\w*|expectedFailure)\b", r"@skip\w*\b", r"@expectedFailure\b",
    r"\b__test__[^\S\n]*=[^\S\n]*False\b", r"\bself\.skipTest\(", r"\bcollect_ignore\w*\b",
    r"\b(?:it|test|describe|context|suite|specify|bench)\.(?:only|skip|todo|fails|failing|skipIf|runIf)\b", r"\b[xf](?:it|describe|context|test|specify)[^\S\n]*\(",
    r"\bt\.Skip(?:f|Now)?\(", r"@(?:Disabled|Ignore)\b", r"\[(?:Ignore|Fact\(Skip)\b", r"\bassume\w*!?\([^\S\n]*false\b",
    # a directive of some tool in a comment, and those that are written in their own way
    r"(?:#|//|/\*+|--|<!--)[^\S\n]*[@\w.$]{2,30}[:-][^\S\n]*(?:ignore|disable|skip|off|suppress|no-?check|excl)[^\n]*",
    r"\b(?:sourcery|pycln|clang-format|vale|jshint|jscs|jslint)[-:\s](?:skip|off|disable|ignore)[^\n]*", r"\bnoinspection\b[^\n]*", r"\bskipcq\b",
    r":nocov:", r"CPD-OFF", r"@formatter:off", r"(?:LCOV|GCOVR?)_EXCL\w*", r"\b(?:codeql|lgtm)\[[^\n]*", r"##[^\S\n]*no critic", r"@[\w-]+-(?:suppress|ignore)\S*",
    r"/\*[^\S\n]*(?:eslint|globals?|exported|jshint|jslint)\b[^\n]*", r"#[^\S\n]*typed:[^\S\n]*(?:false|ignore)", r"\bno_type_check\b", r"\bno_sanitize\w*",
    r"\bwarnings\.(?:filterwarnings|simplefilter)\(", r"#pragma[^\S\n]+warning[^\S\n]+disable[^\n]*", r"#pragma[^\S\n]+(?:GCC|clang)[^\S\n]+diagnostic[^\S\n]+ignored[^\n]*",
    r"\[(?:SuppressMessage|ExcludeFromCodeCoverage)\b", r"@(?:file:Suppress|SuppressFBWarnings|SuppressLint|Generated|codeCoverageIgnore\w*)\b",
    # a test that does not run, or that cannot fail
    r"\braise[^\S\n]+(?:\w+\.)?SkipTest\b", r"\bfail[-_]under[=\s]0\b", r"\bpytest\.exit\(", r"\b(?:sys|os|process)\._?exit\([^\S\n]*0?[^\S\n]*\)", r"@nottest\b", r"\bpytestmark\b",
    r"\bpytest_(?:collection_modifyitems|ignore_collect|collect_file|pycollect_makeitem|runtest_\w+|sessionfinish)\b", r"\bmark\.(?:flaky|slow)\b",
    r"\b(?:it|test|describe|context|suite|specify|bench)(?:\.\w+){1,3}\.(?:only|skip|todo|fails|failing|fixme)\b", r"\b(?:it|test|describe)\.(?:fixme|slow)\b",
    r"\[[\"'](?:skip|only|todo)[\"']\]", r"\b(?:this|ctx|context|vi|b|tb|f|suite)\.[Ss]kip(?:f|Now)?\(", r"\bpending\([^\S\n]*\)", r"\bjest\.retryTimes\(",
    r"\bexpect\([^\S\n]*(?:true|1)[^\S\n]*\)\.to", r"\bassert(?:True|That|_true)?!?\([^\S\n]*(?:true|1)[^\S\n]*\)", r"//[^\S\n]*(?:go:build|\+build)\b[^\n]*", r"\btesting\.Short\(\)",
    r"#!?\[[^\S\n]*cfg\([^\S\n]*(?:any\([^\S\n]*\)|not\(test\)|false)", r"#!?\[[^\S\n]*cfg_attr\([^\]\n]*\b(?:ignore|test|allow|skip)\b",
    r"#!?\[[^\S\n]*(?:coverage\(off|no_coverage|\w+::(?:skip|allow)|should_panic)", r"^[^\S\n]*(?:skip|pending)(?:[^\S\n]+[\"']|\(|[^\S\n]*$)",
    r"\b[xf](?:it|describe|context|specify)[^\S\n]+[\"']", r"\b(?:skip|pending|focus):[^\S\n]*(?:true\b|[\"'])", r",[^\S\n]*:(?:skip|pending|focus)\b",
    r"@(?:module|describe)?tag[^\S\n]+:?skip\b", r"@(?:Enabled|Disabled)\w+\b", r"\benabled[^\S\n]*=[^\S\n]*false\b", r"\bAssum(?:e|ptions)\.assume\w+\(",
    r"\bmarkTest(?:Skipped|Incomplete)\(", r"@group[^\S\n]+skip", r"\bSkip[^\S\n]*=[^\S\n]*[\"']", r"\bAssert\.(?:Inconclusive|Ignore|Pass)\(", r"\bGTEST_SKIP\b",
    r"\bDISABLED_\w+", r"\bXCTSkip\w*", r"\bfunc[^\S\n]+xtest\w*", r"\bignore\([^\S\n]*[\"']",
    # a command or a step whose failure goes unheard, and one that looks at less
    r"\|\|[^\S\n]*(?:\S*/true|echo|printf|return[^\S\n]+0|\([^\S\n]*exit[^\S\n]+0|\{[^\S\n]*true)\b", r"\btrue[^\S\n]*\|\|", r";[^\S\n]*:(?:\s|$)",
    r"^[^\S\n]*exit[^\S\n]+0\b", r"\btrap\b[^\n]*\bexit[^\S\n]+0", r"\|[^\S\n]*(?:cat|tee)\b", r"\b(?:SKIP|HUSKY)=\S*", r"\bcore\.hooksPath\b", r"\bgit[^\S\n]+commit\b[^\n]*[^\S\n]-n\b",
    r"--(?:(?:extend-)?(?:ignore|exclude)|ignore-\w[\w-]*|skip\S*|last-failed|lf|collect-only|co|quiet|no-eslintrc|no-strict\S*|testPathIgnorePatterns|warn-only|soft-fail|keep-going|rule)\b[^\n]*",
    r"\b(?:pytest|py\.test)\b[^\n]*[^\S\n](?:-[kmp]|--maxfail)[^\S\n=]*\S+", r"\bgo[^\S\n]+test\b[^\n]*[^\S\n]-(?:short|skip|run)\b", r"\bmake\b[^\n]*[^\S\n]-[ki]\b", r"\bshellcheck\b[^\n]*[^\S\n]-e\b",
    r"\bif[^\S\n]*:[^\S\n]*(?:\$\{\{[^\S\n]*)?false\b", r"\b(?:allow[-_]failures?|ignore[-_]?errors?|ignoreFailures|continueOnError|soft[-_]fail)[^\S\n]*:[^\S\n]*(?:true|yes|on|1)\b",
    r"\b(?:fail[-_]?fast|fail_ci_if_error|fail[-_]?on[-_]?\w+)[^\S\n]*:[^\S\n]*(?:false|no|off|0)\b", r"\bexit-code[^\S\n]*:[^\S\n]*[\"']?0",
)  # fmt: skip
