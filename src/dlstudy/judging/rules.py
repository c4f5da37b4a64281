"""The rules of verdicts, each a pure function of evidence and settings.

Differences are in accuracy points (hundredths), the margin too. Intervals are BCa bootstraps over the seeds; those
of cross-validation, whose folds share rows, are corrected t intervals. At its border an interval decides nothing:
"above", "below" and "strictly within" leave the border out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from dlstudy.judging.core import Decision, Evidence, Verdict
from dlstudy.judging.statistics import (
    Interval,
    all_equal,
    bootstrap_interval,
    equivalence_p,
    least_num_pairs,
    repeated_cv_interval,
    sign_flip_p,
)
from dlstudy.study.judge import JudgeParams


def interval_of(values: Sequence[float], settings: JudgeParams, confidence: float | None = None) -> Interval:
    """The bootstrap interval of the mean at the settings' confidence, or at another."""
    level = settings.confidence if confidence is None else confidence
    return bootstrap_interval(values, level, num_resamples=settings.num_resamples, seed=settings.seed)


def too_few_seeds(evidence: Evidence, settings: JudgeParams) -> tuple[str, ...]:
    """Why values that vary over the seeds are too few for a verdict, if they are.

    Equal values count as computed exactly, for which no number is too small; a single one only where no seed takes
    part, for one seed does not tell whether the next would give the same.
    """
    nums = [
        len(values)
        for values in evidence.samples.values()
        if not all_equal(values) or (evidence.num_seeds and len(values) == 1)
    ]
    return _too_few(min(nums, default=None), settings)


def _too_few(num: int | None, settings: JudgeParams) -> tuple[str, ...]:
    least = least_num_pairs((1 + settings.confidence) / 2)
    found = "1 seed" if num == 1 else f"{num} seeds"
    return () if num is None or num >= least else (f"{found}, where a verdict takes {least} at least",)


def _decision(
    verdict: Verdict, found: Interval, threshold: float, where: str = "", p_value: float | None = None
) -> Decision:
    return Decision(verdict, found.estimate, found.low, found.high, threshold, where, p_value)


def _invalid(found: Interval, threshold: float, reasons: tuple[str, ...], where: str = "") -> Decision:
    return Decision("invalid", found.estimate, found.low, found.high, threshold, where, reasons=reasons)


def _worst(intervals: Mapping[str, Interval], badness: Mapping[str, float]) -> tuple[str, Interval]:
    where = max(badness, key=lambda name: badness[name])
    return where, intervals[where]


# --- Identities and counts ---


@dataclass(frozen=True)
class AtMost:
    """Every error is within a tolerance: one that is not refutes."""

    tolerance: float
    what: str = "error"

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        largest = {name: max(values) for name, values in evidence.samples.items()}
        where = max(largest, key=lambda name: largest[name])
        verdict: Verdict = "supported" if largest[where] <= self.tolerance else "refuted"
        return Decision(verdict, largest[where], largest[where], largest[where], self.tolerance, where)

    def words(self, settings: JudgeParams) -> str:
        return f"Supported if the largest {self.what} is at most {self.tolerance:g}, refuted if it is larger."


MOST_LISTED: Final = 5
"""How many conditions with counterexamples are named; the evidence has all."""


@dataclass(frozen=True)
class NoException:
    """A statement about all cases: a single counterexample refutes. Samples count the counterexamples."""

    what: str = "counterexample"

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        counts = {name: sum(values) for name, values in evidence.samples.items()}
        found = {name: count for name, count in counts.items() if count}
        where = self._listed(found) if len(found) > 1 else "".join(found)
        total = float(sum(found.values()))
        return Decision("refuted" if found else "supported", total, total, total, 0.0, where)

    @staticmethod
    def _listed(found: Mapping[str, float]) -> str:
        first = "; ".join(f"{name}: {count:,.0f}" for name, count in list(found.items())[:MOST_LISTED])
        rest = len(found) - MOST_LISTED
        return f"{first} and {rest} more" if rest > 0 else first

    def words(self, settings: JudgeParams) -> str:
        return f"Supported if there is no {self.what}, refuted by a single one."


@dataclass(frozen=True)
class Sometimes:
    """It "may": a share of cases strictly between 0 and 1. Samples are shares, as many under every condition."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        # A seed has one mean over the conditions: these are no draws, and share the seed's luck.
        shares = [sum(of_seed) / len(of_seed) for of_seed in zip(*evidence.samples.values(), strict=True)]
        found = interval_of(shares, settings)
        return _decision("supported" if 0 < found.estimate < 1 else "refuted", found, 1.0)

    def words(self, settings: JudgeParams) -> str:
        return "Supported if the share of all cases lies strictly between 0 and 1, refuted if it is 0 or 1."


@dataclass(frozen=True)
class Always:
    """It does "every time": a share of cases that is 1 under every condition. Samples are shares."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        intervals = {name: interval_of(values, settings) for name, values in evidence.samples.items()}
        where, found = _worst(intervals, {name: -found.estimate for name, found in intervals.items()})
        return _decision("supported" if found.estimate == 1 else "refuted", found, 1.0, where)

    def words(self, settings: JudgeParams) -> str:
        return "Supported if the share is 1 under every condition, refuted by a single case; the lowest share is shown."


@dataclass(frozen=True)
class AllHold:
    """What cannot be proved by examples can agree with them. Samples are 1 for what holds, 0 for what does not."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        failing = [name for name, values in evidence.samples.items() if min(values) < 1]
        share = 1 - len(failing) / len(evidence.samples)
        verdict: Verdict = "refuted" if failing else "consistent with"
        return Decision(verdict, share, share, share, 1.0, ", ".join(failing))

    def words(self, settings: JudgeParams) -> str:
        return (
            "Consistent with the evidence if every finding listed holds, refuted if one does not; no list is a proof."
        )


# --- Predictions ---


@dataclass(frozen=True)
class Predicted:
    """Theory, computed before the measurement. Samples are measured / predicted."""

    tolerance: float

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        low, high = 1 - self.tolerance, 1 + self.tolerance
        intervals = {name: interval_of(values, settings) for name, values in evidence.samples.items()}
        where, found = _worst(intervals, {name: _reach(found) for name, found in intervals.items()})
        if reasons := too_few_seeds(evidence, settings):
            return _invalid(found, self.tolerance, reasons, where)
        if all(each.inside(low, high) for each in intervals.values()):
            return _decision("supported", found, self.tolerance, where)
        wide = _intervals_of_many(evidence, settings)
        if missed := {name: _distance(found) for name, found in wide.items() if found.outside(low, high)}:
            where, found = _worst(intervals, missed)
            return _decision("refuted", found, self.tolerance, where)
        return _decision("inconclusive", found, self.tolerance, where)

    def words(self, settings: JudgeParams) -> str:
        percent = f"{100 * self.tolerance:g} %"
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of measured / predicted lies strictly within "
            f"{percent} of 1 under every condition; refuted if under one of them it lies wholly beyond (Bonferroni); "
            "else inconclusive. The condition whose interval reaches farthest from 1 is shown, or the one that refutes."
        )


def _reach(found: Interval) -> float:
    return max(abs(found.low - 1), abs(found.high - 1))


def _distance(found: Interval) -> float:
    return min(abs(found.low - 1), abs(found.high - 1))


def _intervals_of_many(evidence: Evidence, settings: JudgeParams) -> dict[str, Interval]:
    """Intervals to refute by: "some condition misses" is said of many, and each has its share of the error rate."""
    confidence = 1 - (1 - settings.confidence) / len(evidence.samples)
    return {name: interval_of(values, settings, confidence) for name, values in evidence.samples.items()}


# --- Thresholds of intervals ---


@dataclass(frozen=True)
class Below:
    """A quantity that is small enough under every condition. Samples are its values."""

    threshold: float
    what: str

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        intervals = {name: interval_of(values, settings) for name, values in evidence.samples.items()}
        where, found = _worst(intervals, {name: found.high for name, found in intervals.items()})
        if reasons := too_few_seeds(evidence, settings):
            return _invalid(found, self.threshold, reasons, where)
        if found.high < self.threshold:
            return _decision("supported", found, self.threshold, where)
        wide = _intervals_of_many(evidence, settings)
        if beyond := {name: found.low for name, found in wide.items() if found.low > self.threshold}:
            where, found = _worst(intervals, beyond)
            return _decision("refuted", found, self.threshold, where)
        return _decision("inconclusive", found, self.threshold, where)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of {self.what} lies below {self.threshold:g} "
            "under every condition, refuted if it lies above it under one (Bonferroni); else inconclusive. The "
            "condition whose interval reaches highest is shown, or the one that refutes."
        )


@dataclass(frozen=True)
class NoGain:
    """A richer model gains nothing that matters, by repeated cross-validation.

    Samples are the relative gains in percent: for each repeat ("repeat 1") one a fold.
    """

    threshold: float  # percent

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        gains = [gain for repeat in evidence.samples.values() for gain in repeat]
        num_folds = min(len(repeat) for repeat in evidence.samples.values())
        if num_folds < 2:
            mean = sum(gains) / len(gains)
            return _invalid(Interval(mean, mean, mean), self.threshold, ("1 fold, where a verdict takes 2 at least",))
        found = repeated_cv_interval(gains, settings.confidence, num_folds=num_folds)
        if found.high < self.threshold:
            return _decision("supported", found, self.threshold)
        gain = found.estimate > self.threshold and found.low > 0
        return _decision("refuted" if gain else "inconclusive", found, self.threshold)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Refuted if the gain is above {self.threshold:g} % and its {100 * settings.confidence:g} % interval above "
            f"0; supported if the interval ends below {self.threshold:g} %; else inconclusive."
        )


# --- Shares of cases ---


def decided_by_share(found: Interval, share: float) -> Decision:
    """Supported if the interval lies above the share, refuted if it lies below."""
    verdict: Verdict = "supported" if found.low > share else "refuted" if found.high < share else "inconclusive"
    return _decision(verdict, found, share)


# --- Comparisons over paired seeds, in accuracy points ---


def _differences(evidence: Evidence) -> Sequence[float]:
    (differences,) = evidence.samples.values()
    return differences


def too_few_pairs(evidence: Evidence, settings: JudgeParams) -> tuple[str, ...]:
    """Why the pairs of a comparison are too few, if they are.

    Equal differences count as computed exactly, for which no number is too small, only where no seed takes part.
    """
    differences = _differences(evidence)
    return _too_few(len(differences), settings) if evidence.num_seeds else too_few_seeds(evidence, settings)


@dataclass(frozen=True)
class Better:
    """The first is better than the second. Samples: first - second."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        differences = _differences(evidence)
        found = interval_of(differences, settings)
        if reasons := too_few_pairs(evidence, settings):
            return _invalid(found, 0.0, reasons)
        if found.low > 0:
            p_value = sign_flip_p(differences, "two-sided")
            return _decision("supported", found, 0.0, p_value=p_value)
        if found.high < settings.margin:
            p_value = sign_flip_p([value - settings.margin for value in differences], "less")
            return _decision("refuted", found, 0.0, p_value=p_value)
        return _decision("inconclusive", found, 0.0, p_value=1.0)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of the difference lies above 0; refuted if it "
            f"reaches 0 or below and ends below {settings.margin:g} points; else inconclusive."
        )


@dataclass(frozen=True)
class NonInferior:
    """The first is not worse than the second by more than the margin. Samples: first - second."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        differences = _differences(evidence)
        found = interval_of(differences, settings)
        if reasons := too_few_pairs(evidence, settings):
            return _invalid(found, -settings.margin, reasons)
        shifted = [value + settings.margin for value in differences]
        if found.low > -settings.margin:
            return _decision("supported", found, -settings.margin, p_value=sign_flip_p(shifted, "greater"))
        if found.high < -settings.margin:
            return _decision("refuted", found, -settings.margin, p_value=sign_flip_p(shifted, "less"))
        return _decision("inconclusive", found, -settings.margin, p_value=1.0)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of the difference lies above "
            f"-{settings.margin:g} points, refuted if it lies below; else inconclusive."
        )


@dataclass(frozen=True)
class Equivalent:
    """The two differ by less than the margin (two one-sided tests). Samples: first - second."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        differences, margin = _differences(evidence), settings.margin
        found = interval_of(differences, settings)
        if reasons := too_few_pairs(evidence, settings):
            return _invalid(found, margin, reasons)
        narrow = interval_of(differences, settings, 2 * settings.confidence - 1)
        if narrow.inside(-margin, margin):
            return _decision("supported", found, margin, p_value=equivalence_p(differences, margin))
        if found.outside(-margin, margin):
            beyond = [value - margin for value in differences], [-value - margin for value in differences]
            p_value = min(sign_flip_p(each, "greater") for each in beyond)
            return _decision("refuted", found, margin, p_value=min(1.0, 2 * p_value))
        return _decision("inconclusive", found, margin, p_value=1.0)

    def words(self, settings: JudgeParams) -> str:
        inner, outer = 100 * (2 * settings.confidence - 1), 100 * settings.confidence
        margin = f"±{settings.margin:g} points"
        return (
            f"Supported if the {inner:g} % interval of the difference lies strictly within {margin}, refuted if the "
            f"{outer:g} % interval lies outside; else inconclusive."
        )


@dataclass(frozen=True)
class Signed:
    """The difference lies above 0, or below, by however little. Samples: first - second."""

    side: Literal["above", "below"]

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        differences = _differences(evidence)
        found = interval_of(differences, settings)
        if reasons := too_few_pairs(evidence, settings):
            return _invalid(found, 0.0, reasons)
        if not found.outside(0, 0):
            return _decision("inconclusive", found, 0.0, p_value=1.0)
        verdict: Verdict = "supported" if (found.low > 0) == (self.side == "above") else "refuted"
        return _decision(verdict, found, 0.0, p_value=sign_flip_p(differences, "two-sided"))

    def words(self, settings: JudgeParams) -> str:
        other = "below" if self.side == "above" else "above"
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of the difference lies {self.side} 0, refuted "
            f"if it lies {other}; else inconclusive."
        )


OPPOSITE: dict[Verdict, Verdict] = {"supported": "refuted", "refuted": "supported"}


@dataclass(frozen=True)
class Different:
    """The two differ by more than the margin: the opposite of Equivalent, by the same tests."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        found = Equivalent().decide(evidence, settings)
        return replace(found, verdict=OPPOSITE.get(found.verdict, found.verdict))

    def words(self, settings: JudgeParams) -> str:
        inner, outer = 100 * (2 * settings.confidence - 1), 100 * settings.confidence
        return (
            f"Supported if the {outer:g} % interval of the difference lies outside ±{settings.margin:g} points, "
            f"refuted if the {inner:g} % interval lies strictly within; else inconclusive."
        )
