"""From readings and results to verdicts: guards, negative controls, many tests at once, other thresholds, arms.

A negative control is a comparison whose outcome is known, to see that the rules find what is there and no more.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from dlstudy.judging.evidence import Evidence, PerSeed
from dlstudy.judging.rules import Decision, Rule, Verdict, decide, smallest_margin, variants
from dlstudy.judging.statements import Reading
from dlstudy.judging.statistics import holm, paired_differences
from dlstudy.study.ladder import RELU, ArmResults, Ladder
from dlstudy.study.params import JudgeParams
from dlstudy.study.results import MissingResultError, Results

A_A: Final = "A/A, "  # how the names of A/A controls begin
NOT_AFTER_HOLM: Final = "not significant among all confirmatory tests (Holm)"
ARM_COLUMNS: Final = ("arm", "id", "verdict", "estimate", "low", "high", "where", "on_ladder", "moves")
Measure = Callable[[Reading, Results], Evidence]


@dataclass(frozen=True)
class Control:
    """A comparison that has to come out "supported".

    While one does not, no confirmatory comparison is valid; one that is A/A concerns the comparisons of its cell alone.
    """

    name: str
    expected: str
    rule: Rule
    evidence: Evidence


SAME: Final = Rule(region="equivalent")
FOUND: Final = Rule(region="above", threshold=0.0)  # a planted difference is found, whether or not it matters


def difference(results: Results, variant: str) -> Evidence:
    """Test accuracy of the MLP less that of a variant of it, in points, by seed, at the longest training budget.

    A seed with which the MLP or its repeat diverged is left out, and a fault. Any other that is missing is an error.
    """
    table = results.experiment("losses", "controls")
    longest = float(table["budget"].max())
    failed = {
        run["seed"]: f"mlp, {run['loss']}, seed {run['seed']}: diverged"
        for run in results.experiment_facts("losses")["diverged"]
        if run["network"] == "mlp" and run["loss"] in ("cross_entropy", "again") and run["budget"] == longest
    }
    kept = table[(table["budget"] == longest) & ~table["seed"].isin(failed)]
    pair = (kept[kept["variant"] == name].set_index("seed")["test_accuracy"] for name in ("cross_entropy", variant))
    differences = 100 * paired_differences(*pair)
    samples = {f"cross_entropy - {variant}": PerSeed(differences.tolist())}
    return Evidence(samples, num_seeds=len(differences), faults=tuple(failed.values()))


def controls(results: Results) -> tuple[Control, ...]:
    handicap = results.study.experiments.losses.handicap
    repeated = "the MLP, tuned and trained once more from other weights, is equivalent to itself"
    planted = f"the MLP is better than itself with {100 * handicap:g} % of all test images spoilt"
    return (
        Control("again", repeated, SAME, difference(results, "again")),
        Control("handicapped", planted, FOUND, difference(results, "handicapped")),
    )


def resolution(control: Control, settings: JudgeParams) -> float | None:
    """The smallest margin within which the two are equivalent; None for a control that asks for a difference."""
    (sample,) = control.evidence.samples.values()
    return smallest_margin(sample, settings) if control.rule.region == "equivalent" else None


def complaint(control: Control, settings: JudgeParams) -> str:
    """Why a control fails: its name, why, and from which margin on this study can decide; "" where it passes.

    It passes where it comes out supported, by evidence without faults.
    """
    head = f'the control "{control.name}" fails ({control.expected})'
    if control.evidence.faults:
        return f"{head}: {'; '.join(control.evidence.faults)}"
    if decide(control.evidence, control.rule, settings).verdict == "supported":
        return ""
    resolved = resolution(control, settings)
    if resolved is None:
        return f"{head}: the planted difference was not found"
    return (
        f"{head}: it resolves {resolved:.2g} accuracy points, not the margin of {settings.margin:g}; the smallest "
        f"margin that this {'cell' if control.name.startswith(A_A) else 'study'} supports is {resolved:.2g}"
    )


@dataclass(frozen=True)
class Judgement:
    """What is decided of a reading, and where it would be decided otherwise."""

    reading: Reading
    evidence: Evidence
    decision: Decision
    adjusted_p: float | None  # of a confirmatory reading
    elsewhere: Mapping[str, Verdict]  # the verdict with a threshold halved or doubled: "margin 0.25"


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


def guarded(evidence: Evidence, rule: Rule, settings: JudgeParams, failed: Sequence[str] = ()) -> Decision:
    """The rule's decision, "invalid" where a guard failed: an estimate is shown, but nothing concluded from it."""
    decision = decide(evidence, rule, settings)
    reasons = (*(decision.reasons if decision.verdict == "invalid" else ()), *evidence.faults, *failed)
    return replace(decision, verdict="invalid", reasons=reasons, p_value=None) if reasons else decision


def too_few_for_the_family(evidence: Evidence, num_tests: int, settings: JudgeParams) -> list[str]:
    """Why no test of this many seeds could pass Holm's correction, if none could: then one way is closed."""
    nums = [len(sample.values) for sample in evidence.samples.values() if isinstance(sample, PerSeed)]
    level = 1 - settings.confidence
    if not nums or 2 ** (1 - min(nums)) * num_tests <= level:
        return []
    found = f"{min(nums)} seeds: no verdict could come out significant among {num_tests} tests (Holm), which takes at"
    return [f"{found} least {math.ceil(1 + math.log2(num_tests / level))}"]


def demoted(decision: Decision, adjusted_p: float | None, settings: JudgeParams) -> Decision:
    if adjusted_p is None or decision.verdict not in ("supported", "refuted") or adjusted_p <= 1 - settings.confidence:
        return decision
    return replace(decision, verdict="inconclusive", reasons=(NOT_AFTER_HOLM,))


def elsewhere(
    reading: Reading, evidence: Evidence, settings: JudgeParams, others: Mapping[str, float | None]
) -> dict[str, Verdict]:
    """The verdict with each threshold of the rule halved and doubled; the other tests of the family as they are.

    Whether a control fails is no matter of a threshold that is tried.
    """
    found: dict[str, Verdict] = {}
    for name, (rule, changed) in variants(reading.en.rule, settings).items():
        decision = guarded(evidence, rule, changed)
        if reading.en.confirmatory:
            adjusted = holm({**others, reading.key: decision.p_value})
            decision = demoted(decision, adjusted[reading.key], settings)
        found[name] = decision.verdict
    return found


def judge(
    readings: Sequence[Reading], results: Results, measure: Measure, controls: Sequence[Control], settings: JudgeParams
) -> list[Judgement]:
    """A judgement on every reading, in their order. Missing evidence is an error (MissingResultError), no verdict.

    The confirmatory readings are tested as a family, with Holm's correction: one that decides nothing counts too.
    """
    evidence = {each.key: checked(each, measure(each, results)) for each in readings}
    complaints = [why for control in controls if (why := complaint(control, settings))]
    family = [each.key for each in readings if each.en.confirmatory]
    decisions = {}
    for each in readings:
        failed = too_few_for_the_family(evidence[each.key], len(family), settings) if each.en.confirmatory else []
        failed += complaints if each.en.confirmatory and each.en.kind == "comparison" else []
        decisions[each.key] = guarded(evidence[each.key], each.en.rule, settings, failed)
    p_values = {key: decisions[key].p_value for key in family}
    for key, p_value in p_values.items():
        if p_value is None and decisions[key].verdict in ("supported", "refuted"):
            raise ValueError(f"{key}: expected a rule that gives a p-value for a confirmatory reading, found none")
    adjusted = holm(p_values)
    judgements = []
    for each in readings:
        found, adjusted_p = evidence[each.key], adjusted.get(each.key)
        decision = demoted(decisions[each.key], adjusted_p, settings)
        moved = {} if decision.verdict == "invalid" else elsewhere(each, found, settings, p_values)
        judgements.append(Judgement(each, found, decision, adjusted_p, moved))
    return judgements


def arm_table(readings: Sequence[Reading], results: Results, measure: Measure) -> pd.DataFrame:
    """A row per arm and reading of the ladder: whether its verdict depends on how networks are trained.

    An arm has fewer activations, depths and budgets than the ladder. So beside its verdict stands that of the ladder
    cut down to the same cells (`on_ladder`): where the two differ, it is the training that moves the verdict. Each is
    decided by itself, without Holm's correction; the ladder's own A/A controls stand in for those of an arm.
    """
    of_ladder = [each for each in readings if any(path.startswith("results/ladder") for path in each.en.data)]
    rows = []
    for name, arm in results.study.ladder.arms.items():
        in_arm, on_ladder = ArmResults.of(results, arm, name), ArmResults.of(results, arm)
        comparable = RELU in arm.activations and len(arm.activations) > 1
        if not (comparable and Ladder.of(in_arm).living and Ladder.of(on_ladder).living):
            continue
        for reading in of_ladder:
            with suppress(MissingResultError):  # it is about an activation or a depth that the arm has not
                found, same_cells = (
                    guarded(checked(reading, measure(reading, of)), reading.en.rule, results.study.judge)
                    for of in (in_arm, on_ladder)
                )
                interval, where = (found.estimate, found.low, found.high), found.where or "all cells"
                moves = "no" if found.verdict == same_cells.verdict else "yes"
                rows.append((name, reading.key, found.verdict, *interval, where, same_cells.verdict, moves))
    return pd.DataFrame(rows, columns=list(ARM_COLUMNS))
