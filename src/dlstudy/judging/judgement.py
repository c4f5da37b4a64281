"""From readings and results to verdicts: guards, negative controls, many tests at once, other thresholds."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from dlstudy.judging.answers import ANSWERS, answer
from dlstudy.judging.controls import A_A, SAME, Control, complaint, decided, passes, resolution
from dlstudy.judging.evidence import Evidence, PerSeed
from dlstudy.judging.power import seeds_needed, smallest_effect
from dlstudy.judging.rules import VERDICTS, Decision, Rule, Verdict, condition, decide, variants
from dlstudy.judging.statements import Reading, Statement
from dlstudy.judging.statistics import holm
from dlstudy.study.params import JudgeParams
from dlstudy.study.results import Results

NOT_AFTER_HOLM: Final = "not significant among all confirmatory tests (Holm)"
Measure = Callable[[Reading, Results], Evidence]


@dataclass(frozen=True)
class Judgement:
    """What is decided of a reading, and where it would be decided otherwise."""

    reading: Reading
    evidence: Evidence
    decision: Decision
    adjusted_p: float | None  # of a confirmatory reading
    elsewhere: Mapping[str, Verdict]  # the verdict with a threshold halved or doubled: "margin 0.25"


# --- Evidence and guards ---


def checked(reading: Reading, evidence: Evidence) -> Evidence:
    """The evidence; ValueError where it has no samples or one that is not finite: such a number is never compared."""
    if not evidence.samples:
        raise ValueError(f"{reading.key}: expected samples, found none")
    for name, sample in evidence.samples.items():
        try:
            found = sample.interval(0.95)
        except ValueError as error:
            raise ValueError(f"{reading.key}, {name}: {error}") from None
        if not all(map(math.isfinite, (found.estimate, found.low, found.high))):
            raise ValueError(f"{reading.key}, {name}: expected finite values, found {found}")
    return evidence


def guarded(reading: Reading, evidence: Evidence, rule: Rule, settings: JudgeParams, failed: Sequence[str]) -> Decision:
    """The rule's decision, "invalid" where a guard failed: an estimate is shown, but nothing concluded from it."""
    decision = decide(evidence, rule, settings)
    reasons = [*(decision.reasons if decision.verdict == "invalid" else ()), *evidence.faults]
    if reading.en.kind == "comparison" and reading.en.confirmatory:
        reasons += failed
    return replace(decision, verdict="invalid", reasons=tuple(reasons), p_value=None) if reasons else decision


def too_few_for_the_family(evidence: Evidence, num_tests: int, settings: JudgeParams) -> tuple[str, ...]:
    """Why no test of this many seeds could pass Holm's correction, if none could: then one way is closed."""
    nums = [len(sample.values) for sample in evidence.samples.values() if isinstance(sample, PerSeed)]
    level = 1 - settings.confidence
    if not nums or 2 ** (1 - min(nums)) * num_tests <= level:
        return ()
    least = math.ceil(1 + math.log2(num_tests / level))
    return (
        f"{min(nums)} seeds: no verdict could come out significant among {num_tests} tests (Holm), which takes at "
        f"least {least}",
    )


# --- Many tests at once ---


def after_holm(readings: Sequence[Reading], decisions: Mapping[str, Decision]) -> dict[str, float]:
    """The adjusted p-value of every confirmatory reading. The family is fixed: one that decides nothing counts too."""
    family = [each.key for each in readings if each.en.confirmatory]
    for key in family:
        if decisions[key].p_value is None and decisions[key].verdict in ("supported", "refuted"):
            raise ValueError(f"{key}: expected a rule that gives a p-value for a confirmatory reading, found none")
    return holm({key: decisions[key].p_value for key in family})


def demoted(decision: Decision, adjusted_p: float | None, settings: JudgeParams) -> Decision:
    if adjusted_p is None or decision.verdict not in ("supported", "refuted") or adjusted_p <= 1 - settings.confidence:
        return decision
    return replace(decision, verdict="inconclusive", reasons=(NOT_AFTER_HOLM,))


def decide_all(
    readings: Sequence[Reading], evidence: Mapping[str, Evidence], controls: Sequence[Control], settings: JudgeParams
) -> tuple[dict[str, Decision], dict[str, float]]:
    """The decision on every reading, and the adjusted p-values of the confirmatory ones."""
    failed = [complaint(control, settings) for control in controls if not passes(control, settings)]
    num_tests = sum(each.en.confirmatory for each in readings)
    decisions = {}
    for each in readings:
        found = evidence[each.key]
        if each.en.confirmatory:
            found = replace(found, faults=(*found.faults, *too_few_for_the_family(found, num_tests, settings)))
        decisions[each.key] = guarded(each, found, each.en.rule, settings, failed)
    adjusted = after_holm(readings, decisions)
    return {key: demoted(each, adjusted.get(key), settings) for key, each in decisions.items()}, adjusted


def elsewhere(
    reading: Reading, evidence: Evidence, settings: JudgeParams, others: Mapping[str, float | None], judged: Decision
) -> dict[str, Verdict]:
    """The verdict with each threshold of the rule halved and doubled; the other tests of the family as they are.

    Whether a control fails is no matter of a threshold that is tried, nor is a fault: what is invalid stays so.
    """
    if judged.verdict == "invalid":
        return {}
    found: dict[str, Verdict] = {}
    for name, (rule, changed) in variants(reading.en.rule, settings).items():
        decision = guarded(reading, evidence, rule, changed, ())
        if reading.en.confirmatory:
            adjusted = holm({**others, reading.key: decision.p_value})
            decision = demoted(decision, adjusted[reading.key], settings)
        found[name] = decision.verdict
    return found


def judge(
    readings: Sequence[Reading], results: Results, measure: Measure, controls: Sequence[Control], settings: JudgeParams
) -> list[Judgement]:
    """A judgement on every reading, in their order. Missing evidence is an error (MissingResultError), no verdict."""
    evidence = {each.key: checked(each, measure(each, results)) for each in readings}
    decisions, adjusted = decide_all(readings, evidence, controls, settings)
    p_values = {key: decisions[key].p_value for key in adjusted}
    judgements = []
    for each in readings:
        found, decision = evidence[each.key], decisions[each.key]
        elsewhere_found = elsewhere(each, found, settings, p_values, decision)
        judgements.append(Judgement(each, found, decision, adjusted.get(each.key), elsewhere_found))
    return judgements


# --- Files ---


def fragility(judgement: Judgement) -> str:
    """At which thresholds the verdict moves: "no" if at none, "n/a" where the rule has none or nothing is decided."""
    if not judgement.elsewhere:
        return "n/a"
    moves = {name: verdict for name, verdict in judgement.elsewhere.items() if verdict != judgement.decision.verdict}
    return "; ".join(f"{name}: {verdict}" for name, verdict in moves.items()) or "no"


def verdict_table(judgements: Sequence[Judgement], registrations: Mapping[str, str]) -> pd.DataFrame:
    """One row per reading: relation, verdict, outcome, estimate and interval, what it is held against, how it moves."""
    return pd.DataFrame(
        [
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
        ]
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
            "aside": condition_facts(Evidence(each.evidence.aside), each.reading.en.rule, settings, tested=False),
            "facts": plain(each.evidence.facts),
        }
        for each in judgements
    }


def condition_facts(evidence: Evidence, rule: Rule, settings: JudgeParams, *, tested: bool = True) -> dict[str, object]:
    """By condition: estimate, low, high, verdict and, if it is tested, p_value."""
    found = {name: condition(name, evidence, rule, settings, settings.confidence) for name in evidence.samples}
    return {
        name: {**asdict(each.found), "verdict": each.verdict, **({"p_value": each.p_value} if tested else {})}
        for name, each in found.items()
    }


def power(judgement: Judgement, settings: JudgeParams) -> dict[str, object] | None:
    """Of an undecided comparison of paired seeds: what it could have found, and how many seeds would decide it."""
    samples = list(judgement.evidence.samples.values())
    if judgement.decision.verdict != "inconclusive" or len(samples) != 1 or not isinstance(samples[0], PerSeed):
        return None
    found: dict[str, object] = {"smallest_effect": smallest_effect(samples[0], settings)}
    if NOT_AFTER_HOLM not in judgement.decision.reasons:  # by itself it is decided
        found["seeds_needed"] = seeds_needed(samples[0], judgement.reading.en.rule, settings)
    return found


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
        decision, passed = decided(control, settings), passes(control, settings)
        resolved = resolution(control, settings)
        rows.append(
            {
                "control": control.name,
                "expected": control.expected,
                "passes": "yes" if passed else "no",
                "estimate": decision.estimate,
                "low": decision.low,
                "high": decision.high,
                "resolves": "n/a" if resolved is None else f"{resolved:.4g}",
                "num_seeds": control.evidence.num_seeds,
                "why_not": "n/a" if passed else complaint(control, settings),
            }
        )
    return pd.DataFrame(rows)


def verdicts_of(judgements: Sequence[Judgement]) -> dict[str, Verdict]:
    """The verdict on each reading, flat: two such files can be compared line by line."""
    return {each.reading.key: each.decision.verdict for each in judgements}


def metrics(statements: Sequence[Statement], verdicts: Mapping[str, Verdict]) -> dict[str, int]:
    """How many statements have each answer, and how many readings each verdict."""
    answers = [answer(each, verdicts) for each in statements]
    found = list(verdicts.values())
    return {
        **{f"statements_{each}": answers.count(each) for each in ANSWERS},
        **{f"readings_{each.replace(' ', '_')}": found.count(each) for each in VERDICTS},
    }
