"""Rules, composed of an interval (which the sample brings), a region and a quantifier.

A region says where a value makes the sentence true; an interval wholly inside supports it, one wholly outside refutes
it, and one that reaches across decides nothing. A quantifier says what the verdicts of several conditions make of the
sentence. Differences are in accuracy points (hundredths), and so is the margin.
"""

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, model_validator

from dlstudy.core.base.params import Section
from dlstudy.judging.evidence import Evidence, Exact, PerRound, PerSeed, Sample
from dlstudy.judging.statistics import Side, holm, joint_sign_flip_p
from dlstudy.study.params import JudgeParams

Verdict = Literal["refuted", "depends", "inconclusive", "invalid", "supported", "consistent with"]
Outcome = Literal["better", "worse", "equivalent", "undecided", ""]
Region = Literal["better", "not_worse", "equivalent", "different", "above", "below", "at_most", "within", "between"]
Quantifier = Literal["single", "every", "each", "some", "share", "total"]

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)  # the order of tables: what a reader should know first
# Regions whose bound is the margin d of params.yaml, and what they say of a difference.
OF_MARGIN: Final = {"better": "> 0", "not_worse": "> −d", "equivalent": "= 0 ± d", "different": "≠ 0 ± d"}
OF_THRESHOLD: Final = ("above", "below", "at_most", "within")
MOST_LISTED: Final = 5  # conditions with exceptions that are named; the evidence has all
Share = Annotated[float, Field(gt=0, le=1)]


class Rule(Section):
    """How evidence becomes a verdict; thresholds are fixed before the evidence is seen."""

    region: Region
    quantifier: Quantifier = "single"
    threshold: float | None = None  # of above, below, at_most; of within: how far from `of`
    of: float = 0.0  # the centre of within
    at_least: Share | None = None  # of the conditions, for the quantifier share: supported from this share on
    more_than: Share | None = None  # likewise: supported above this share
    proves: bool = True  # false where examples can agree with the sentence but not prove it

    @model_validator(mode="after")
    def _fits_together(self) -> "Rule":
        if (self.threshold is None) == (self.region in OF_THRESHOLD):
            wanted = "a threshold" if self.threshold is None else "no threshold"
            raise ValueError(f"expected {wanted} with region {self.region}, found {self.threshold}")
        shares = [share for share in (self.at_least, self.more_than) if share is not None]
        if len(shares) != (self.quantifier == "share"):
            raise ValueError(
                f"expected at_least or more_than with the quantifier share, and only there, found {shares} with "
                f"{self.quantifier}"
            )
        return self


@dataclass(frozen=True)
class Decision:
    """What a rule concludes, of one condition or of all. An interval without width is of what was computed exactly."""

    verdict: Verdict
    estimate: float
    low: float
    high: float
    threshold: float  # what the estimate or interval is held against
    where: str = ""  # the condition that decides, if there are several
    p_value: float | None = None  # of what the verdict asserts, where a test decides
    reasons: tuple[str, ...] = ()  # why it is invalid or inconclusive
    outcome: Outcome = ""  # of a comparison in accuracy points
    missed: float | None = None  # of "sometimes": the largest effect that the conditions could have missed


# --- Regions ---


def bounds(rule: Rule, settings: JudgeParams) -> tuple[float, float]:
    """The open interval in which the sentence is true; of `different`, that in which it is not."""
    margin, threshold = settings.margin, math.nan if rule.threshold is None else rule.threshold
    found: dict[Region, tuple[float, float]] = {
        "better": (0.0, math.inf),
        "not_worse": (-margin, math.inf),
        "equivalent": (-margin, margin),
        "different": (-margin, margin),
        "above": (threshold, math.inf),
        "below": (-math.inf, threshold),
        "at_most": (-math.inf, threshold),
        "within": (rule.of - threshold, rule.of + threshold),
        "between": (0.0, 1.0),
    }
    return found[rule.region]


def outcome_of(sample: Sample, settings: JudgeParams) -> Outcome:
    """Where the difference lies: equivalent (two one-sided tests within the margin), else better, worse, undecided."""
    found = sample.interval(settings.confidence)
    if sample.interval(2 * settings.confidence - 1).inside(-settings.margin, settings.margin):
        return "equivalent"
    return "better" if found.low > 0 else "worse" if found.high < 0 else "undecided"


BETTER: Final[dict[Outcome, Verdict]] = {"better": "supported", "worse": "refuted", "equivalent": "refuted"}
OPPOSITE: Final[dict[Verdict, Verdict]] = {"supported": "refuted", "refuted": "supported"}


def verdict_of(sample: Sample, rule: Rule, settings: JudgeParams, confidence: float) -> Verdict:
    """The verdict on one condition, at a confidence."""
    if rule.region == "better":
        return BETTER.get(outcome_of(sample, settings.model_copy(update={"confidence": confidence})), "inconclusive")
    if isinstance(sample, PerRound) and sample.problem(confidence):
        return "inconclusive"  # too few rounds for an interval at this confidence, which Bonferroni may ask for
    low, high = bounds(rule, settings)
    found = sample.interval(confidence)
    inner = sample.interval(2 * confidence - 1) if rule.region in ("equivalent", "different") else found
    closed = rule.region == "at_most" and found.high == high  # a tolerance may be reached, other borders may not
    inside, exact = inner.inside(low, high) or closed, found.low == found.high
    verdict: Verdict = "refuted" if found.outside(low, high) or exact else "inconclusive"
    verdict = "supported" if inside else verdict
    return OPPOSITE.get(verdict, verdict) if rule.region == "different" else verdict


def p_value_of(sample: Sample, rule: Rule, settings: JudgeParams, verdict: Verdict) -> float | None:
    """The p-value of what the verdict asserts: of both sides, but for the two one-sided tests of equivalence."""
    if verdict not in OPPOSITE:
        return 1.0
    inside = verdict == "supported" if rule.region != "different" else verdict == "refuted"
    equivalent = rule.region in OF_MARGIN and outcome_of(sample, settings) == "equivalent"
    if rule.region in ("equivalent", "different") and inside:
        # two one-sided tests (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987)
        return max(sample.p_value(-settings.margin, "above"), sample.p_value(settings.margin, "below"))
    if rule.region == "better" and equivalent:  # not better by the margin; that it is not worse by it is not asserted
        return sample.p_value(settings.margin, "below")
    if rule.region == "better" and not inside:
        return min(1.0, 2 * sample.p_value(0.0, "below"))
    low, high = bounds(rule, settings)
    sides: list[tuple[float, Side, Side]] = [(low, "above", "below"), (high, "below", "above")]
    tails = [sample.p_value(bound, into if inside else out) for bound, into, out in sides if math.isfinite(bound)]
    return min(1.0, 2 * (max(tails) if inside else min(tails)))


def smallest_margin(sample: Sample, settings: JudgeParams) -> float:
    """The margin from which on two that are compared are equivalent: what the comparison resolves."""
    narrow = sample.interval(2 * settings.confidence - 1)
    return max(abs(narrow.low), abs(narrow.high))


def condition(name: str, evidence: Evidence, rule: Rule, settings: JudgeParams, confidence: float) -> Decision:
    """One condition decided by itself; undecided where a guard fails or its A/A control cannot resolve the margin."""
    sample, is_comparison = evidence.samples[name], rule.region in OF_MARGIN
    found, threshold = sample.interval(settings.confidence), held_against(rule, settings)
    outcome: Outcome = "undecided" if is_comparison else ""
    shown = Decision("inconclusive", found.estimate, found.low, found.high, threshold, name, 1.0, outcome=outcome)
    if reasons := evidence.spoilt.get(name):
        return replace(shown, reasons=("; ".join(reasons),))
    again = evidence.again.get(name)
    if is_comparison and again is not None and outcome_of(again, settings) != "equivalent":
        resolved = smallest_margin(again, settings)
        reason = f"{name}: its A/A control resolves {resolved:.2g} points, not {settings.margin:g}"
        return replace(shown, reasons=(reason,))
    verdict = verdict_of(sample, rule, settings, confidence)
    try:
        p_value = p_value_of(sample, rule, settings, verdict)
    except NotImplementedError:  # no exact test is known
        p_value = None
    outcome = outcome_of(sample, settings) if is_comparison else ""
    return replace(shown, verdict=verdict, p_value=p_value, outcome=outcome)


# --- Quantifiers ---


def decide(evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    """The decision on evidence, its faults aside."""
    if len(set(evidence.groups.values())) > 1:
        return _by_group(evidence, rule, settings)
    decide_all = _total if rule.quantifier == "total" else _by_condition
    decided = decide_all(evidence, rule, settings)
    proved = rule.proves or decided.verdict != "supported"
    return decided if proved else replace(decided, verdict="consistent with")


def _by_condition(evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    """What the quantifier makes of the conditions; the reasons of all that are undecided, where it is undecided."""
    # "some condition misses" is said of many: each has its share of the error rate (Bonferroni)
    strict = 1 - (1 - settings.confidence) / len(evidence.samples)
    confidence = strict if rule.quantifier == "each" else settings.confidence
    found = [condition(name, evidence, rule, settings, confidence) for name in evidence.samples]
    problems = dict.fromkeys(sample.problem(settings.confidence) for sample in evidence.samples.values())
    if reasons := tuple(filter(None, problems)):
        return replace(_worst(found, rule), verdict="invalid", reasons=reasons)
    decided = QUANTIFIERS[rule.quantifier](found, evidence, rule, settings)
    if decided.verdict != "inconclusive":
        return replace(decided, reasons=())
    is_spoilt = any(map(evidence.spoilt.get, evidence.samples))
    reasons = tuple(reason for each in found for reason in each.reasons)
    return replace(decided, verdict="invalid" if is_spoilt else "inconclusive", reasons=reasons)


def _by_group(evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    """That of the last two groups if they agree; if one supports and one refutes, it depends on the group."""
    decided = {}
    for group in dict.fromkeys(evidence.groups.values()):
        samples = {name: sample for name, sample in evidence.samples.items() if evidence.groups[name] == group}
        decided[group] = decide(replace(evidence, samples=samples, groups={}), rule, settings)
    *_, before, last = decided.values()
    where = "; ".join(f"{group}: {each.verdict}" for group, each in decided.items())
    if before.verdict == last.verdict:
        return replace(last, where=where)
    if "invalid" in (before.verdict, last.verdict):
        reasons = [reason for each in (before, last) if each.verdict == "invalid" for reason in each.reasons]
        return replace(last, verdict="invalid", where=where, reasons=tuple(reasons))
    verdict: Verdict = "depends" if {before.verdict, last.verdict} == {"supported", "refuted"} else "inconclusive"
    return replace(last, verdict=verdict, where=where, p_value=1.0)


def held_against(rule: Rule, settings: JudgeParams) -> float:
    """The number on the page that an estimate is compared with."""
    if rule.threshold is not None:
        return rule.threshold
    low, high = bounds(rule, settings)
    return high if math.isfinite(high) else low


def badness(found: Decision, rule: Rule) -> float:
    """How near the interval comes to contradicting the sentence, or how far it goes beyond."""
    if rule.region in ("better", "not_worse", "above"):
        return -found.low
    if rule.region in ("below", "at_most"):
        return found.high
    return max(abs(found.low - rule.of), abs(found.high - rule.of))


def _worst(found: Sequence[Decision], rule: Rule) -> Decision:
    return max(found, key=lambda each: badness(each, rule))


def _single(found: Sequence[Decision], evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    (only,) = found
    return replace(only, where="")


def _every(found: Sequence[Decision], evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    """Supported if all are; refuted if one is, at its share of the error rate; the worst condition is shown."""
    if all(each.verdict == "supported" for each in found):  # as sure as of the one that is most likely an exception
        p_values = [each.p_value for each in found if each.p_value is not None]
        return replace(_worst(found, rule), p_value=max(p_values) if len(p_values) == len(found) else None)
    strict = 1 - (1 - settings.confidence) / len(found)
    refuting = [
        each
        for each in found
        if each.verdict == "refuted" and verdict_of(evidence.samples[each.where], rule, settings, strict) == "refuted"
    ]
    if not refuting:
        return replace(_worst(found, rule), verdict="inconclusive", p_value=1.0)
    clean = {name: sample for name, sample in evidence.samples.items() if not evidence.spoilt.get(name)}
    p_value = _joint_p(clean, rule, settings)
    if p_value is None and (p_values := [each.p_value for each in refuting if each.p_value is not None]):
        p_value = min(1.0, len(found) * min(p_values))  # Bonferroni
    return replace(_worst(refuting, rule), p_value=p_value)


def _joint_p(samples: Mapping[str, Sample], rule: Rule, settings: JudgeParams) -> float | None:
    """The p-value that some condition lies below a lower bound, all seeds flipped together; None without such a one."""
    paired = [sample.values for sample in samples.values() if isinstance(sample, PerSeed)]
    low, high = bounds(rule, settings)
    if len(paired) < len(samples) or len({len(each) for each in paired}) > 1 or math.isfinite(high):
        return None
    return min(1.0, 2 * joint_sign_flip_p([[value - low for value in each] for each in paired]))


def _each(found: Sequence[Decision], evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    """One verdict if all conditions agree; where some hold and some do not, it depends on them."""
    worst, verdicts = _worst(found, rule), {each.verdict for each in found}
    if len(verdicts) == 1:
        return worst
    verdict: Verdict = "depends" if verdicts >= {"supported", "refuted"} else "inconclusive"
    return replace(worst, verdict=verdict, where="; ".join(f"{each.where}: {each.verdict}" for each in found))


def _some(found: Sequence[Decision], evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    """Supported by one condition (Holm over all). Finding none refutes nothing: what could be missed is named."""
    adjusted = holm({each.where: each.p_value if each.verdict == "supported" else None for each in found})
    shown = min(found, key=lambda each: (adjusted[each.where], badness(each, rule)))
    if adjusted[shown.where] <= 1 - settings.confidence:
        return replace(shown, verdict="supported", p_value=adjusted[shown.where])
    upwards = math.isfinite(bounds(rule, settings)[0])
    missed = max(each.high for each in found) if upwards else min(each.low for each in found)
    return replace(shown, verdict="inconclusive", p_value=adjusted[shown.where], missed=missed)


def _share(found: Sequence[Decision], evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    """The share of conditions in which it holds: from those that do to those that might, undecided ones included."""
    verdicts = [each.verdict for each in found]
    low = verdicts.count("supported") / len(found)
    high = 1 - verdicts.count("refuted") / len(found)
    share = rule.at_least if rule.at_least is not None else rule.more_than
    assert share is not None  # the rule says so
    enough = operator.ge if rule.at_least is not None else operator.gt
    verdict: Verdict = "supported" if enough(low, share) else "inconclusive" if enough(high, share) else "refuted"
    return Decision(verdict, low, low, high, share)


def _total(evidence: Evidence, rule: Rule, settings: JudgeParams) -> Decision:
    """All conditions added up, as exceptions are: one is an exception to "always"."""
    counts = {
        name: sum(sample.values) if isinstance(sample, PerSeed) else sample.interval(settings.confidence).estimate
        for name, sample in evidence.samples.items()
    }
    named = [f"{name}: {count:,.0f}" for name, count in counts.items() if count]
    rest = f" and {len(named) - MOST_LISTED} more" if len(named) > MOST_LISTED else ""
    where = "; ".join(named[:MOST_LISTED]) + rest if len(named) != 1 else named[0].rpartition(": ")[0]
    total = Exact(float(sum(counts.values())))
    verdict = verdict_of(total, rule, settings, settings.confidence)
    if rule.region == "above" and verdict == "refuted":  # that it can happen is not refuted by its absence
        verdict = "inconclusive"
    return Decision(verdict, total.value, total.value, total.value, held_against(rule, settings), where)


QUANTIFIERS: Final = {"single": _single, "every": _every, "each": _each, "some": _some, "share": _share}


def variants(rule: Rule, settings: JudgeParams) -> dict[str, tuple[Rule, JudgeParams]]:
    """The rule with each of its thresholds halved and doubled, by what was changed; none where it has none."""
    found: dict[str, tuple[Rule, JudgeParams]] = {}
    for factor in (0.5, 2.0):
        if rule.region in OF_MARGIN:
            margin = factor * settings.margin
            found[f"margin {margin:g}"] = rule, settings.model_copy(update={"margin": margin})
        if rule.threshold:
            threshold = factor * rule.threshold
            found[f"threshold {threshold:g}"] = rule.model_copy(update={"threshold": threshold}), settings
        for name in ("at_least", "more_than"):
            if share := getattr(rule, name):
                changed = min(1.0, factor * share)
                found[f"share {changed:g}"] = rule.model_copy(update={name: changed}), settings
    return dict(sorted(found.items()))
