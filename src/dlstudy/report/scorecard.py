"""Claims and their verdicts as the pages tell them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from dlstudy.judging.core import VERDICTS, Claim, Statement
from dlstudy.study.results import MissingResultError, Results

Language = Literal["en", "zh"]

PAGE_OF: Final = {
    "linear": "linear_regression",
    "softmax": "softmax_regression",
    "torchvision": "torchvision",
    "perceptron": "multilayer_perceptron",
    "cost": "activation_cost",
}

IN_CHINESE: Final = {
    "refuted": "被推翻",
    "inconclusive": "尚无定论",
    "invalid": "无效",
    "supported": "得到支持",
    "consistent with": "与证据相符",
}


@dataclass(frozen=True)
class Reading:
    """A claim with its verdict: all that a page tells of it."""

    claim: Claim
    row: dict[str, Any]  # of verdicts.csv
    where: str
    reasons: tuple[str, ...]
    p_value: float | None
    adjusted_p: float | None
    at_other_margins: dict[str, str]
    facts: dict[str, Any]

    @property
    def verdict(self) -> str:
        return str(self.row["verdict"])

    @property
    def link(self) -> str:
        """Where the claim is told in full, from a page beside it."""
        return f"{PAGE_OF[self.claim.statement.chapter]}.md#{self.claim.anchor}"

    @property
    def flips(self) -> dict[str, str]:
        """The margins where the verdict would be another, and which."""
        return {margin: verdict for margin, verdict in self.at_other_margins.items() if verdict != self.verdict}

    @property
    def measured(self) -> str:
        """The number that decides, with its interval if it has one."""
        return measured(self.row)


@dataclass(frozen=True)
class Section:
    """A statement and its readings; `facts` and `rows` are those of each reading, for the statement's own template."""

    statement: Statement
    readings: tuple[Reading, ...]

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        return {each.claim.reading: each.facts for each in self.readings}

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {each.claim.reading: each.row | {"where": each.where} for each in self.readings}

    @property
    def data(self) -> list[str]:
        return list(dict.fromkeys(path for each in self.readings for path in each.claim.data))

    @property
    def anchor(self) -> str:
        return self.statement.id.lower()


def measured(row: dict[str, Any]) -> str:
    """The estimate with its interval: "0.998 (0.991 to 1.004)"; in accuracy points with two decimals and a sign.

    Whole numbers, such as counts, keep all their digits.
    """
    in_points = row["unit"] == "accuracy points"
    estimate, low, high = (_number(row[name], in_points=in_points) for name in ("estimate", "low", "high"))
    return estimate if row["low"] == row["high"] else f"{estimate} ({low} to {high})"


def _number(value: float, *, in_points: bool) -> str:
    if in_points:
        return f"{value:+z.2f}"  # z: no minus sign before what rounds to zero
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e12 else f"{value:.4g}"


def readings(results: Results, claims: Sequence[Claim]) -> list[Reading]:
    """Every claim with its verdict, in their order; MissingResultError for one that has not been judged."""
    table: pd.DataFrame = results.verdicts()
    rows = {str(row["id"]): {str(name): value for name, value in row.items()} for row in table.to_dict("records")}
    evidence = results.evidence()
    for file, what, judged in (("verdicts.csv", "a verdict", rows), ("evidence.json", "evidence", evidence)):
        if missing := [claim.key for claim in claims if claim.key not in judged]:
            raise MissingResultError(
                f"{results.JUDGED}/{file}: expected {what} on {missing[0]}, found none; run `dvc repro`"
            )
    return [_reading(claim, rows[claim.key], evidence[claim.key]) for claim in claims]


def _reading(claim: Claim, row: dict[str, Any], evidence: dict[str, Any]) -> Reading:
    return Reading(
        claim=claim,
        row=row,
        where=evidence["where"],
        reasons=tuple(evidence["reasons"]),
        p_value=evidence["p_value"],
        adjusted_p=evidence["adjusted_p"],
        at_other_margins=evidence["at_other_margins"],
        facts=evidence["facts"],
    )


def scorecard(found: Iterable[Reading]) -> list[Reading]:
    """The readings in the order of the scorecard: refuted ones first, then by statement."""
    return sorted(found, key=lambda each: VERDICTS.index(each.row["verdict"]))


def sections(found: Iterable[Reading], chapter: str) -> list[Section]:
    """The statements of a chapter, each with its readings."""
    by_statement: dict[str, list[Reading]] = {}
    for each in found:
        if each.claim.statement.chapter == chapter:
            by_statement.setdefault(each.claim.statement.id, []).append(each)
    return [Section(group[0].claim.statement, tuple(group)) for group in by_statement.values()]


def counts(found: Sequence[Reading]) -> dict[str, int]:
    """How many readings have each verdict, of the verdicts that occur."""
    verdicts = [each.verdict for each in found]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}
