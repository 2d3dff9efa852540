"""The fix strategies there are, and which of them may try a failure.

Responsible for the order: the fixer that the repository declares itself comes first, then what is narrow, and last what
runs the repository's hooks. A strategy
is one file; adding it to `REGISTRY` is all that makes it known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes.biome_fix import BiomeFix
from hee_monitoring.fixes.black_format import BlackFormat
from hee_monitoring.fixes.cargo_fmt import CargoFmt
from hee_monitoring.fixes.cargo_lock import CargoLock
from hee_monitoring.fixes.clippy_fix import ClippyFix
from hee_monitoring.fixes.eslint_fix import EslintFix
from hee_monitoring.fixes.executable_bit import ExecutableBit
from hee_monitoring.fixes.flake8_lint import Flake8Imports, Flake8Layout
from hee_monitoring.fixes.generated_files import GeneratedFiles
from hee_monitoring.fixes.go_tidy import GoTidy
from hee_monitoring.fixes.gofmt import GoFmt
from hee_monitoring.fixes.invalid_yaml import InvalidYaml
from hee_monitoring.fixes.isort_imports import IsortImports
from hee_monitoring.fixes.markdown_layout import MarkdownLayout
from hee_monitoring.fixes.moved_path import MovedPath
from hee_monitoring.fixes.npm_lock import NpmLock
from hee_monitoring.fixes.own_fixer import OwnFixer
from hee_monitoring.fixes.pip_compile import PipCompile
from hee_monitoring.fixes.pnpm_lock import PnpmLock
from hee_monitoring.fixes.poetry_lock import PoetryLock
from hee_monitoring.fixes.pre_commit import PreCommit
from hee_monitoring.fixes.prettier import Prettier
from hee_monitoring.fixes.ruff_format import RuffFormat
from hee_monitoring.fixes.ruff_lint import RuffImports, RuffLint
from hee_monitoring.fixes.spec_skeleton import SpecSkeleton
from hee_monitoring.fixes.uv_lock import UvLock
from hee_monitoring.fixes.whitespace import Whitespace
from hee_monitoring.fixes.workflow_repair import WorkflowRepair
from hee_monitoring.fixes.yarn_lock import YarnLock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.strategy import Strategy

REGISTRY: tuple[Strategy, ...] = (
    OwnFixer(),
    RuffFormat(),
    BlackFormat(),
    IsortImports(),
    RuffImports(),
    RuffLint(),
    Prettier(),
    CargoFmt(),
    GoFmt(),
    MarkdownLayout(),
    EslintFix(),
    Flake8Layout(),
    Flake8Imports(),
    BiomeFix(),
    ClippyFix(),
    Whitespace(),
    ExecutableBit(),
    UvLock(),
    NpmLock(),
    PoetryLock(),
    PipCompile(),
    PnpmLock(),
    YarnLock(),
    CargoLock(),
    GoTidy(),
    GeneratedFiles(),
    MovedPath(),
    WorkflowRepair(),
    InvalidYaml(),
    SpecSkeleton(),
    PreCommit(),
)


def candidates(
    diagnosis: Diagnosis, matrix_row: str, tree: Path, strategies: Sequence[Strategy] = REGISTRY
) -> tuple[Strategy, ...]:
    """The strategies that serve this row of the matrix and can try this failure in this tree, in order."""
    return tuple(s for s in strategies if matrix_row in s.rows and s.applies(diagnosis, tree) is None)


def select(
    diagnosis: Diagnosis, matrix_row: str, tree: Path, strategies: Sequence[Strategy] = REGISTRY
) -> Strategy | None:
    """The strategy that is tried first; None when no strategy repairs this."""
    return next(iter(candidates(diagnosis, matrix_row, tree, strategies)), None)
