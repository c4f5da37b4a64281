"""The committed parameters and statements, which each process of the tests reads once."""

from functools import cache
from pathlib import Path

from dlstudy.judging.statements import Statement, load_statements
from dlstudy.study.params import StudyParams, load_study

ROOT = Path(__file__).resolve().parents[1]


@cache
def committed_study() -> StudyParams:
    return load_study(ROOT / "params.yaml")


@cache
def committed_statements(*, timed: bool | None = None) -> tuple[Statement, ...]:
    return load_statements(ROOT / "statements", timed=timed)
