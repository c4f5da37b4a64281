"""From claims and results to verdicts: guards, negative controls, many tests at once, and other margins."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from dlstudy.judging.controls import Control
from dlstudy.judging.core import VERDICTS, Claim, Decision, Evidence
from dlstudy.judging.statistics import holm
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import Results

CONTROL_FAILED: Final = "a negative control did not come out as it must"
NOT_AFTER_HOLM: Final = "not significant among all confirmatory tests (Holm)"


@dataclass(frozen=True)
class Judgement:
    """What is decided of a claim, and where it would be decided otherwise."""

    claim: Claim
    evidence: Evidence
    decision: Decision
    adjusted_p: float | None  # of a confirmatory claim
    elsewhere: Mapping[float, str]  # the verdict at each of the other margins

    @property
    def flips(self) -> list[float]:
        """The other margins at which the verdict is another one."""
        return [margin for margin, verdict in self.elsewhere.items() if verdict != self.decision.verdict]


def checked(claim: Claim, evidence: Evidence) -> Evidence:
    """The evidence; ValueError where it has no samples or one that is not finite: such a number is never compared."""
    if not evidence.samples:
        raise ValueError(f"{claim.key}: expected samples, found none")
    for name, values in evidence.samples.items():
        if not len(values) or not all(map(math.isfinite, values)):
            raise ValueError(f"{claim.key}, {name}: expected finite values, found {list(values)}")
    return evidence


def guarded(claim: Claim, evidence: Evidence, settings: JudgeParams, *, controls_pass: bool) -> Decision:
    """The rule's decision, "invalid" where a guard failed: an estimate is shown, but nothing concluded from it."""
    decision = claim.rule.decide(evidence, settings)
    reasons = [*decision.reasons, *evidence.faults]
    if claim.kind == "comparison" and claim.confirmatory and not controls_pass:
        reasons.append(CONTROL_FAILED)
    return replace(decision, verdict="invalid", reasons=tuple(reasons), p_value=None) if reasons else decision


def after_holm(claims: Sequence[Claim], decisions: Mapping[str, Decision]) -> dict[str, float]:
    """The adjusted p-value of every confirmatory claim. The family is fixed: one that decides nothing counts too."""
    family = [claim.key for claim in claims if claim.confirmatory]
    for key in family:
        if decisions[key].p_value is None and decisions[key].verdict in ("supported", "refuted"):
            raise ValueError(f"{key}: expected a rule that gives a p-value for a confirmatory claim, found none")
    p_values = {key: decisions[key].p_value for key in family}
    return holm({key: 1.0 if value is None else value for key, value in p_values.items()})


def decide_all(
    claims: Sequence[Claim],
    evidence: Mapping[str, Evidence],
    controls: Sequence[Control],
    settings: JudgeParams,
    margin: float | None = None,
) -> tuple[dict[str, Decision], dict[str, float]]:
    """The decision on every claim at one margin, and the adjusted p-values of the confirmatory ones.

    The controls are decided at the settings' own margin whatever the other is: they tell whether the measurements are
    sound, and so an elsewhere "invalid" never stands for a margin that is too narrow for a control.
    """
    passed = all(control_passes(control, settings) for control in controls)
    if margin is not None:
        settings = settings.model_copy(update={"margin": margin})
    decisions = {claim.key: guarded(claim, evidence[claim.key], settings, controls_pass=passed) for claim in claims}
    adjusted = after_holm(claims, decisions)
    for key, p_value in adjusted.items():
        if decisions[key].verdict in ("supported", "refuted") and p_value > 1 - settings.confidence:
            decisions[key] = replace(decisions[key], verdict="inconclusive", reasons=(NOT_AFTER_HOLM,))
    return decisions, adjusted


def control_passes(control: Control, settings: JudgeParams) -> bool:
    """Whether it comes out supported, by evidence without faults."""
    return not control.evidence.faults and control.rule.decide(control.evidence, settings).verdict == "supported"


def judge(
    claims: Sequence[Claim], results: Results, controls: Sequence[Control], settings: JudgeParams
) -> list[Judgement]:
    """A judgement on every claim, in their order. Missing evidence is an error (MissingResultError), not a verdict."""
    evidence = {claim.key: checked(claim, claim.measure(results)) for claim in claims}
    decisions, adjusted = decide_all(claims, evidence, controls, settings)
    elsewhere = {
        margin: decide_all(claims, evidence, controls, settings, margin)[0] for margin in settings.other_margins
    }
    return [
        Judgement(
            claim,
            evidence[claim.key],
            decisions[claim.key],
            adjusted.get(claim.key),
            {margin: found[claim.key].verdict for margin, found in elsewhere.items()},
        )
        for claim in claims
    ]


def verdict_table(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """One row a claim: id, verdict, kind, estimate and its interval, what it is held against, seeds, flips."""
    return pd.DataFrame(
        [
            {
                "id": each.claim.key,
                "verdict": each.decision.verdict,
                "kind": each.claim.kind,
                "estimate": each.decision.estimate,
                "low": each.decision.low,
                "high": each.decision.high,
                "threshold": each.decision.threshold,
                "unit": each.claim.unit,
                "num_seeds": each.evidence.num_seeds,
                "flips": "at " + " and ".join(f"{margin:g}" for margin in each.flips) if each.flips else "no",
            }
            for each in judgements
        ]
    )


def evidence_content(judgements: Sequence[Judgement]) -> dict[str, object]:
    """What the pages tell of each claim besides its row: where it was decided, tests, facts."""
    return {
        each.claim.key: {
            "where": each.decision.where,
            "reasons": list(each.decision.reasons),
            "p_value": each.decision.p_value,
            "adjusted_p": each.adjusted_p,
            "at_other_margins": {f"{margin:g}": verdict for margin, verdict in each.elsewhere.items()},
            "facts": plain(each.evidence.facts),
        }
        for each in judgements
    }


def plain(value: Any) -> Any:
    """The value with NumPy's numbers, as pandas hands them out, made Python's own, at any depth."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def control_table(controls: Sequence[Control], settings: JudgeParams) -> pd.DataFrame:
    """One row a negative control: what it has to show, its estimate and interval, and whether it passes."""
    rows = []
    for control in controls:
        decision = control.rule.decide(control.evidence, settings)
        rows.append(
            {
                "control": control.name,
                "expected": control.expected,
                "passes": "yes" if control_passes(control, settings) else "no",
                "estimate": decision.estimate,
                "low": decision.low,
                "high": decision.high,
                "num_seeds": control.evidence.num_seeds,
            }
        )
    return pd.DataFrame(rows)


def metrics(judgements: Sequence[Judgement]) -> dict[str, object]:
    """How many claims have each verdict, and the verdict of each, flat: `dvc metrics diff` shows which one moved."""
    found = [each.decision.verdict for each in judgements]
    counts = {f"num_{verdict.replace(' ', '_')}": found.count(verdict) for verdict in VERDICTS}
    return counts | {each.claim.key: each.decision.verdict for each in judgements}
