"""The files of verdicts: of readings, statements and negative controls, and the evidence that the pages show.

Also what an undecided comparison could have found, and how many seeds would decide it, from its own spread.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
import scipy

from dlstudy.judging.evidence import Evidence, PerSeed, Sample
from dlstudy.judging.judgement import A_A, NOT_AFTER_HOLM, SAME, Control, Judgement, complaint, resolution
from dlstudy.judging.rules import VERDICTS, Rule, Verdict, condition, decide, verdict_of
from dlstudy.judging.statements import Statement
from dlstudy.judging.statistics import Interval, t_quantile
from dlstudy.study.params import JudgeParams

Answer = Literal["holds", "conditions", "does_not_hold", "open", "further"]  # further: a question of our own

ANSWERS: Final[tuple[Answer, ...]] = get_args(Answer)
SUPPORTING: Final = ("supported", "consistent with")
ESTIMATED: Final = ("estimate", "low", "high", "verdict")
POWER: Final = 0.8
MOST_SEEDS: Final = 1000


def answer(statement: Statement, verdicts: Mapping[str, Verdict]) -> Answer:
    """What its readings say together; those beyond the note take no part."""
    found = {verdicts[each.key] for each in statement.asserted}
    if not found:
        return "further"
    if found <= {*SUPPORTING}:
        return "holds"
    if found == {"refuted"}:
        return "does_not_hold"
    return "conditions" if found & {*SUPPORTING, "depends"} else "open"


def answer_table(statements: Sequence[Statement], verdicts: Mapping[str, Verdict]) -> pd.DataFrame:
    """One row per statement: its id, its answer, and the verdicts that it rests on."""
    rows = [
        (each.id, answer(each, verdicts), "; ".join(f"{one.key}: {verdicts[one.key]}" for one in each.asserted))
        for each in statements
    ]
    table = pd.DataFrame(rows, columns=["id", "answer", "rests_on"])
    return table.replace({"rests_on": {"": "no reading that the note says or implies"}})


def verdicts_of(judgements: Sequence[Judgement]) -> dict[str, Verdict]:
    """The verdict on each reading, flat: two such files can be compared line by line."""
    return {each.reading.key: each.decision.verdict for each in judgements}


def metrics(statements: Sequence[Statement], verdicts: Mapping[str, Verdict]) -> dict[str, int]:
    """How many statements have each answer, and how many readings each verdict."""
    answers, found = [answer(each, verdicts) for each in statements], list(verdicts.values())
    num_readings = {f"readings_{each.replace(' ', '_')}": found.count(each) for each in VERDICTS}
    return {f"statements_{each}": answers.count(each) for each in ANSWERS} | num_readings


def fragility(judgement: Judgement) -> str:
    """At which thresholds the verdict moves: "no" if at none, "n/a" where the rule has none or nothing is decided."""
    if not judgement.elsewhere:
        return "n/a"
    moves = {name: verdict for name, verdict in judgement.elsewhere.items() if verdict != judgement.decision.verdict}
    return "; ".join(f"{name}: {verdict}" for name, verdict in moves.items()) or "no"


def verdict_table(judgements: Sequence[Judgement], registrations: Mapping[str, str]) -> pd.DataFrame:
    """One row per reading: relation, verdict, outcome, estimate and interval, what it is held against, how it moves."""
    return pd.DataFrame(
        {
            "id": each.reading.key,
            "relation": each.reading.en.relation,
            "verdict": each.decision.verdict,
            "outcome": each.decision.outcome or "none",
            "kind": each.reading.en.kind,
            "estimate": each.decision.estimate,
            "low": each.decision.low,
            "high": each.decision.high,
            "threshold": each.decision.threshold,
            "unit": each.reading.en.unit,
            "difference": each.reading.formula,
            "num_seeds": each.evidence.num_seeds,
            "fragile": fragility(each),
            "registration": registrations[each.reading.key],
        }
        for each in judgements
    )


def evidence_content(judgements: Sequence[Judgement], settings: JudgeParams) -> dict[str, object]:
    """What the pages say of each reading besides its row: where it was decided, tests, every condition, facts."""
    return {
        each.reading.key: {
            "where": each.decision.where,
            "reasons": list(each.decision.reasons),
            "p_value": each.decision.p_value,
            "adjusted_p": each.adjusted_p,
            "missed": each.decision.missed,
            "power": power(each, settings),
            "elsewhere": dict(each.elsewhere),
            "conditions": condition_facts(each.evidence, each.reading.en.rule, settings),
            "aside": condition_facts(Evidence(each.evidence.aside), each.reading.en.rule, settings, ESTIMATED),
            "facts": plain(each.evidence.facts),
        }
        for each in judgements
    }


def condition_facts(
    evidence: Evidence, rule: Rule, settings: JudgeParams, parts: Sequence[str] = (*ESTIMATED, "p_value")
) -> dict[str, object]:
    """By condition, these parts of the decision on it by itself."""
    found = {name: condition(name, evidence, rule, settings, settings.confidence) for name in evidence.samples}
    return {name: {part: getattr(each, part) for part in parts} for name, each in found.items()}


def power(judgement: Judgement, settings: JudgeParams) -> dict[str, object] | None:
    """Of an undecided comparison of paired seeds: what it could have found, and how many seeds would decide it."""
    samples = list(judgement.evidence.samples.values())
    if judgement.decision.verdict != "inconclusive" or len(samples) != 1 or not isinstance(samples[0], PerSeed):
        return None
    found: dict[str, object] = {"smallest_effect": smallest_effect(samples[0], settings)}
    if NOT_AFTER_HOLM not in judgement.decision.reasons:  # by itself it is decided
        found["seeds_needed"] = seeds_needed(samples[0], judgement.reading.en.rule, settings)
    return found


@dataclass(frozen=True)
class _Imagined(Sample):
    """As many seeds with the same mean and spread: their t interval."""

    mean: float
    deviation: float
    num: int

    def interval(self, confidence: float) -> Interval:
        reach = t_quantile(confidence, self.num) * self.deviation / math.sqrt(self.num)
        return Interval(self.mean, self.mean - reach, self.mean + reach)


def smallest_effect(sample: PerSeed, settings: JudgeParams) -> float:
    """The true difference that these seeds would show with a probability of 80 %: (t + t') s / sqrt(n)."""
    num = len(sample.values)
    quantiles = t_quantile(settings.confidence, num) + float(scipy.special.stdtrit(num - 1, POWER))
    return quantiles * float(np.std(sample.values, ddof=1)) / math.sqrt(num)


def seeds_needed(sample: PerSeed, rule: Rule, settings: JudgeParams) -> int | None:
    """The smallest number of seeds with which the same mean and spread would be decided; None beyond 1,000."""
    mean, deviation = float(np.mean(sample.values)), float(np.std(sample.values, ddof=1))
    for num in range(len(sample.values), MOST_SEEDS + 1):
        if verdict_of(_Imagined(mean, deviation, num), rule, settings, settings.confidence) != "inconclusive":
            return num
    return None


def plain(value: Any) -> Any:
    """The value with NumPy's numbers, as pandas hands them out, made Python's own, at any depth."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def a_a_controls(judgements: Sequence[Judgement]) -> list[Control]:
    """The A/A control of every condition that has one, each once. One that fails concerns its own conditions only."""
    found: list[Control] = []
    for each in judgements:
        for name, sample in each.evidence.again.items():
            if not any(sample in control.evidence.samples.values() for control in found):
                expected = f"in {name} an activation is equivalent to itself"
                found.append(Control(f"{A_A}{name}", expected, SAME, Evidence({name: sample}, each.evidence.num_seeds)))
    return found


def control_table(controls: Sequence[Control], settings: JudgeParams) -> pd.DataFrame:
    """One row per negative control: what it has to show, what was found, whether it passes, and if not why."""
    rows = []
    for control in controls:
        decision, why_not = decide(control.evidence, control.rule, settings), complaint(control, settings)
        resolved = resolution(control, settings)
        row = {
            "control": control.name,
            "expected": control.expected,
            "passes": "no" if why_not else "yes",
            "estimate": decision.estimate,
            "low": decision.low,
            "high": decision.high,
            "resolves": "n/a" if resolved is None else f"{resolved:.4g}",
            "num_seeds": control.evidence.num_seeds,
            "why_not": why_not or "n/a",
        }
        rows.append(row)
    return pd.DataFrame(rows)
