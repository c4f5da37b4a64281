"""Rules of the claims on activations of outputs: an error that is higher by a percentage, what can happen, shares."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from dlstudy.judging.core import Decision, Evidence, Verdict
from dlstudy.judging.rules import interval_of, too_few_pairs
from dlstudy.judging.statistics import Interval, higher_share_p, holm, share_interval, sign_flip_p
from dlstudy.study.judge import JudgeParams

HALF: Final = 0.5


@dataclass(frozen=True)
class WorseBy:
    """The first has a higher error than the second by more than a threshold. Samples: first / second - 1, percent."""

    threshold: float

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        (excess,) = evidence.samples.values()
        found = interval_of(excess, settings)
        decided = partial(Decision, estimate=found.estimate, low=found.low, high=found.high, threshold=self.threshold)
        if reasons := too_few_pairs(evidence, settings):
            return decided("invalid", reasons=reasons)
        beyond = [value - self.threshold for value in excess]
        if found.low > self.threshold:
            return decided("supported", p_value=sign_flip_p(beyond, "greater"))
        if found.high < self.threshold:
            return decided("refuted", p_value=sign_flip_p(beyond, "less"))
        return decided("inconclusive", p_value=1.0)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of the excess lies above {self.threshold:g} %, "
            "refuted if it lies below; else inconclusive."
        )


@dataclass(frozen=True)
class Occurs:
    """Something that can happen: a single case shows it. Samples count the cases."""

    what: str

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        counts = [value for values in evidence.samples.values() for value in values]
        mean = sum(counts) / len(counts)
        found = interval_of(counts, settings)
        return Decision("supported" if any(counts) else "inconclusive", mean, found.low, found.high, 0.0)

    def words(self, settings: JudgeParams) -> str:
        return f"Supported by a single {self.what}; inconclusive if there is none, which proves nothing."


@dataclass(frozen=True)
class AnyHigher:
    """Of several shares at least one is higher than the baseline's. Samples are 1 for what succeeds, 0 for what fails.

    Refuted where all of the others are below one half, whatever the baseline's.
    """

    baseline: str

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        counts = {name: (int(sum(values)), len(values)) for name, values in evidence.samples.items()}
        base = counts.pop(self.baseline)
        adjusted = holm({name: higher_share_p(count, base) for name, count in counts.items()})
        where = min(adjusted, key=lambda name: (adjusted[name], -counts[name][0] / counts[name][1]))
        found = share_interval(*counts[where], settings.confidence)
        verdict: Verdict = "inconclusive"
        if adjusted[where] <= 1 - settings.confidence:
            verdict = "supported"
        elif all(each.high < HALF for each in self.intervals_of_many(counts, settings)):
            verdict = "refuted"
        return Decision(verdict, found.estimate, found.low, found.high, base[0] / base[1], where, adjusted[where])

    @staticmethod
    def intervals_of_many(counts: dict[str, tuple[int, int]], settings: JudgeParams) -> list[Interval]:
        confidence = 1 - (1 - settings.confidence) / len(counts)
        return [share_interval(*count, confidence) for count in counts.values()]

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if a share is higher than that of {self.baseline} (Fisher's exact test, one-sided, at "
            f"{1 - settings.confidence:.2g} after Holm); else refuted if the intervals (Wilson's, Bonferroni) of all "
            "lie below one half; else inconclusive. The share with the lowest p-value is shown."
        )
