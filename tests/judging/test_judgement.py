"""From evidence to verdicts, with claims made up for it: guards, controls, many tests at once, other margins, files."""

import json
import math
from dataclasses import dataclass, replace

import pandas as pd
import pytest

from dlstudy.core.artifacts import write_csv, write_json
from dlstudy.judging.controls import Control
from dlstudy.judging.core import VERDICTS, Claim, Decision, Evidence, Literature, Statement, Text
from dlstudy.judging.judgement import (
    CONTROL_FAILED,
    NOT_AFTER_HOLM,
    control_passes,
    control_table,
    evidence_content,
    judge,
    metrics,
    verdict_table,
)
from dlstudy.judging.rules import AllHold, AtMost, Better, Equivalent, NoGain, Predicted
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import MissingResultError
from tests.claims.support import Tables

SETTINGS = JudgeParams(margin=0.5, other_margins=(0.25, 1.0), confidence=0.95, num_resamples=199, seed=0)
NOISE = (-0.9, 1.4, 0.3, -1.2, 0.1, -0.4, 1.1, 0.8, -0.2, -1.0)  # ten seeds: mean 0


@dataclass(frozen=True)
class Fixed:
    """A rule that decides as it is told."""

    verdict: str
    p_value: float | None = None

    def decide(self, evidence, settings):
        return Decision(self.verdict, 1.0, 0.5, 1.5, 0.0, "somewhere", self.p_value)

    def words(self, settings):
        return "As told."


def around(centre, spread=0.1):
    return Evidence({"d": [centre + spread * value for value in NOISE]}, num_seeds=10)


def claim(key, rule, evidence=None, **details):
    statement, _, reading = key.partition("/")
    text = Text("It is so.", "如此。")
    found = around(1.0) if evidence is None else evidence
    return Claim(
        **{
            "statement": Statement(statement, "linear", text),
            "reading": reading,
            "tested": text,
            "kind": "comparison",
            "quantifier": "always",
            "unit": "accuracy points",
            "rule": rule,
            "literature": Literature("known", "somebody, 1900"),
            "would_change": "other evidence",
            "data": ("results/made_up.csv",),
            "measure": lambda results: found,
        }
        | details
    )


def confirmed(key, rule, evidence=None, **details):
    return claim(key, rule, evidence, confirmatory=True, **details)


def control(rule, evidence):
    return Control("made up", "it comes out as expected", rule, evidence)


SOUND = control(Equivalent(), around(0.0))
BROKEN = control(Equivalent(), around(0.0, 9.0))


def judged(*claims, controls=(SOUND,), settings=SETTINGS):
    return {each.claim.key: each for each in judge(claims, Tables(), controls, settings)}


def verdicts(*claims, **given):
    return {key: each.decision.verdict for key, each in judged(*claims, **given).items()}


# --- Guards ---


def test_the_rule_decides():
    found = judged(claim("A", Better()), claim("B/one", AtMost(1.0), Evidence({"x": [2.0]}), kind="identity"))
    assert list(found) == ["A", "B/one"]
    assert found["A"].decision == Better().decide(around(1.0), SETTINGS)
    assert (found["B/one"].decision.verdict, found["B/one"].decision.estimate) == ("refuted", 2.0)
    assert found["A"].adjusted_p is None


def test_a_fault_makes_a_verdict_invalid_whatever_the_rule_says_and_shows_the_estimate():
    faulty = replace(around(1.0), faults=("learning rate at the edge", "seed 3 diverged"))
    found = judged(claim("A", Better(), faulty), claim("B", Better()))
    decision = found["A"].decision
    assert (decision.verdict, decision.reasons) == ("invalid", ("learning rate at the edge", "seed 3 diverged"))
    assert decision.estimate == Better().decide(around(1.0), SETTINGS).estimate
    assert decision.p_value is None
    assert found["B"].decision.verdict == "supported"
    assert found["A"].elsewhere == {0.25: "invalid", 1.0: "invalid"}
    assert found["A"].flips == []


def test_the_reasons_of_the_rule_come_before_those_of_the_evidence():
    few = Evidence({"d": [1.0, 2.0, 3.0]}, num_seeds=3, faults=("one more",))
    assert judged(claim("A", Better(), few))["A"].decision.reasons == (
        "3 seeds, where a verdict takes 6 at least",
        "one more",
    )


@pytest.mark.parametrize("samples", [{}, {"d": []}, {"d": [1.0, math.nan]}, {"d": [1.0], "e": [math.inf]}])
def test_a_number_that_is_none_is_an_error_with_the_name_of_the_claim(samples):
    """max(1.0, nan) is 1.0: a NaN would slip through a rule about the largest error."""
    with pytest.raises(ValueError, match=r"^A/one"):
        judged(claim("A/one", AtMost(2.0), Evidence(samples)))


def test_missing_evidence_is_an_error_not_a_verdict():
    missing = claim("A", Better(), measure=lambda results: around(results.experiment("nowhere", "made_up").size))
    with pytest.raises(MissingResultError, match="nowhere"):
        judged(claim("B", Better()), missing)


# --- Negative controls ---


def test_a_control_passes_if_it_comes_out_supported():
    assert control_passes(SOUND, SETTINGS)
    assert not control_passes(BROKEN, SETTINGS)
    assert control_passes(control(Better(), around(1.0)), SETTINGS)
    assert not control_passes(control(Better(), around(0.0)), SETTINGS)


def test_a_control_with_a_fault_does_not_pass_and_the_table_says_so():
    faulty = control(Equivalent(), replace(around(0.0), faults=("seed 3 diverged",)))
    assert not control_passes(faulty, SETTINGS)
    assert control_table([faulty], SETTINGS)["passes"].tolist() == ["no"]
    assert verdicts(confirmed("A", Better()), controls=(faulty,)) == {"A": "invalid"}


def test_a_failing_control_makes_confirmatory_comparisons_invalid_and_nothing_else():
    claims = (
        confirmed("A", Better()),
        confirmed("B", Equivalent()),
        claim("C", Better()),
        confirmed("D", Fixed("supported", 0.001), kind="identity"),
    )
    assert verdicts(*claims) == {"A": "supported", "B": "refuted", "C": "supported", "D": "supported"}
    found = judged(*claims, controls=(SOUND, BROKEN))
    assert {key: each.decision.verdict for key, each in found.items()} == {
        "A": "invalid",
        "B": "invalid",
        "C": "supported",
        "D": "supported",
    }
    assert found["A"].decision.reasons == (CONTROL_FAILED,)
    assert found["A"].elsewhere == {0.25: "invalid", 1.0: "invalid"}


def test_other_margins_do_not_fail_a_control_that_passes_at_its_own():
    """Whether the measurements are sound does not depend on the margin that a verdict is tried at."""
    noisy = control(Equivalent(), around(0.3))  # equivalent within 0.5, not within 0.25
    found = judged(confirmed("A", Better()), controls=(noisy,))["A"]
    assert (found.decision.verdict, found.elsewhere) == ("supported", {0.25: "supported", 1.0: "supported"})


def test_the_table_of_controls_says_which_one_fails():
    table = control_table((SOUND, replace(BROKEN, name="broken")), SETTINGS)
    assert table["control"].tolist() == ["made up", "broken"]
    assert table["passes"].tolist() == ["yes", "no"]
    decision = Equivalent().decide(SOUND.evidence, SETTINGS)
    assert table.iloc[0][["estimate", "low", "high"]].tolist() == [decision.estimate, decision.low, decision.high]
    assert table["num_seeds"].tolist() == [10, 10]


# --- Many tests at once ---


def test_holm_demotes_what_is_significant_alone_only():
    """Of three: .01 x 3 = .03 stands, .03 x 2 = .06 falls, and with it .04 (not below .06)."""
    claims = [
        confirmed("A", Fixed("supported", 0.04)),
        confirmed("B", Fixed("refuted", 0.03)),
        confirmed("C", Fixed("supported", 0.01)),
    ]
    found = judged(*claims)
    assert {key: each.decision.verdict for key, each in found.items()} == {
        "A": "inconclusive",
        "B": "inconclusive",
        "C": "supported",
    }
    assert {key: each.adjusted_p for key, each in found.items()} == pytest.approx({"A": 0.06, "B": 0.06, "C": 0.03})
    assert found["A"].decision.reasons == found["B"].decision.reasons == (NOT_AFTER_HOLM,)
    assert found["C"].decision.reasons == ()
    assert found["A"].elsewhere == {0.25: "inconclusive", 1.0: "inconclusive"}


@pytest.mark.parametrize("verdict", ["supported", "refuted"])
def test_alone_the_same_p_value_stands(verdict):
    assert verdicts(confirmed("A", Fixed(verdict, 0.04))) == {"A": verdict}


def test_at_the_level_itself_a_verdict_stands():
    assert verdicts(confirmed("A", Fixed("supported", 0.05))) == {"A": "supported"}
    assert verdicts(confirmed("A", Fixed("supported", 0.0501))) == {"A": "inconclusive"}


def test_exploratory_claims_are_not_in_the_family():
    found = judged(
        confirmed("A", Fixed("supported", 0.04)), *(claim(f"B-{n}", Fixed("refuted", 0.9)) for n in range(9))
    )
    assert found["A"].decision.verdict == "supported"
    assert {each.decision.verdict for key, each in found.items() if key != "A"} == {"refuted"}
    assert [key for key, each in found.items() if each.adjusted_p is not None] == ["A"]


@pytest.mark.parametrize(
    "idle",
    [
        confirmed("B", Fixed("inconclusive", 1.0)),
        confirmed("B", Fixed("inconclusive")),
        confirmed("B", Fixed("supported", 0.001), replace(around(1.0), faults=("diverged",))),
        confirmed("B", Better(), Evidence({"d": [1.0, 2.0]}, num_seeds=2)),
    ],
    ids=["inconclusive", "without a test", "faulty", "few seeds"],
)
def test_what_decides_nothing_counts_in_the_family(idle):
    """The family is fixed beforehand: .03 x 2 = .06, however the other came out and however small its p-value was."""
    found = judged(confirmed("A", Fixed("supported", 0.03)), idle)
    assert found["A"].decision.verdict == "inconclusive"
    assert (found["A"].adjusted_p, found["B"].adjusted_p) == (pytest.approx(0.06), 1.0)


def test_a_confirmatory_claim_needs_a_test():
    """NoGain tests nothing: silently, its verdict would never stand."""
    with pytest.raises(ValueError, match="A: expected a rule that gives a p-value"):
        judged(confirmed("A", NoGain(2.0), Evidence({"repeat 1": [1.0, 1.1, 0.9]})))


# --- Other margins ---


def test_a_verdict_that_another_margin_turns_is_flagged():
    found = judged(
        claim("A", Equivalent(), around(0.35)),  # within 0.5, beyond 0.25
        claim("B", Equivalent(), around(0.75)),  # beyond 0.5, within 1
        claim("C", Better(), around(2.0)),
        claim("D", Predicted(0.05), Evidence({"x": [1.0]})),
        claim("E", Equivalent(), around(0.0, 0.7)),
    )
    assert {key: each.elsewhere for key, each in found.items()} == {
        "A": {0.25: "refuted", 1.0: "supported"},
        "B": {0.25: "refuted", 1.0: "supported"},
        "C": {0.25: "supported", 1.0: "supported"},
        "D": {0.25: "supported", 1.0: "supported"},
        "E": {0.25: "inconclusive", 1.0: "supported"},
    }
    assert {key: each.flips for key, each in found.items()} == {"A": [0.25], "B": [1.0], "C": [], "D": [], "E": [0.25]}


def test_the_same_margin_flips_nothing():
    again = SETTINGS.model_copy(update={"margin": 1.0})
    assert judged(claim("A", Equivalent(), around(0.75)), settings=again)["A"].elsewhere[1.0] == "supported"
    assert judged(claim("A", Equivalent(), around(0.75)), settings=again)["A"].flips == [0.25]


def test_holm_is_done_again_at_each_margin():
    """Of three that are equivalent at 1.0, two hold nothing at the other margins; all three count there too."""
    claims = [confirmed(name, Equivalent(), around(0.75 if name != "A" else 0.0)) for name in "ABC"]
    found = judged(*claims)
    assert found["A"].adjusted_p == pytest.approx(3 / 1024)
    assert found["B"].adjusted_p == pytest.approx(4 / 1024)  # 2 / 1024 of two sides, x 2
    assert found["A"].elsewhere == {0.25: "supported", 1.0: "supported"}
    assert found["B"].elsewhere == {0.25: "refuted", 1.0: "supported"}


# --- Files ---


@pytest.fixture
def judgements():
    facts = {"num_seeds": 10, "rates": [0.1, 0.2], "of": {"relu": 0.5}, "name": "none"}
    claims = (
        confirmed("A/one", Equivalent(), around(0.35)),
        confirmed("A/two", Better(), around(0.0, 9.0)),
        claim("B", Equivalent(), around(0.7, 0.1), unit="1"),
        claim("C", AllHold(), Evidence({"x": [1]}, facts=facts), kind="count", unit="share"),
        claim("D", AtMost(1e-8), Evidence({"x": [0.0]}, faults=("a guard, failed\n",)), kind="identity", unit="error"),
    )
    return judge(claims, Tables(), (SOUND,), SETTINGS)


def test_the_table_of_verdicts_comes_back_from_its_file(judgements, tmp_path):
    table = verdict_table(judgements)
    write_csv(tmp_path / "verdicts.csv", table)
    found = pd.read_csv(tmp_path / "verdicts.csv")
    assert not found.isna().any().any()
    assert found.columns.tolist() == table.columns.tolist()
    pd.testing.assert_frame_equal(found, table, check_dtype=False, rtol=1e-9)  # ten digits are written
    assert found["id"].tolist() == ["A/one", "A/two", "B", "C", "D"]
    verdict = ["supported", "inconclusive", "refuted", "consistent with", "invalid"]
    assert found["verdict"].tolist() == verdict
    assert found["flips"].tolist() == ["at 0.25", "no", "at 1", "no", "no"]
    assert found["num_seeds"].tolist() == [10, 10, 10, 0, 0]


def test_several_flips_are_told_together():
    table = verdict_table(judge([claim("A", Equivalent(), around(0.45, 0.3))], Tables(), (), SETTINGS))
    assert table["flips"].tolist() == ["at 0.25 and 1"]


def test_what_is_told_besides_comes_back_from_its_file(judgements, tmp_path):
    content = evidence_content(judgements)
    write_json(tmp_path / "evidence.json", content)
    found = json.loads((tmp_path / "evidence.json").read_text(encoding="utf-8"))
    assert list(found) == ["A/one", "A/two", "B", "C", "D"]
    assert found["A/one"]["at_other_margins"] == {"0.25": "refuted", "1": "supported"}
    assert found["A/one"]["p_value"] == pytest.approx(1 / 1024)
    assert found["A/one"]["adjusted_p"] == pytest.approx(2 / 1024)
    assert (found["B"]["adjusted_p"], found["C"]["p_value"]) == (None, None)
    assert found["C"]["facts"] == {"num_seeds": 10, "rates": [0.1, 0.2], "of": {"relu": 0.5}, "name": "none"}
    assert found["D"]["reasons"] == ["a guard, failed\n"]
    write_json(tmp_path / "again.json", found)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "evidence.json").read_bytes()


def test_the_table_of_controls_comes_back_from_its_file(tmp_path):
    table = control_table((SOUND, BROKEN), SETTINGS)
    write_csv(tmp_path / "controls.csv", table)
    found = pd.read_csv(tmp_path / "controls.csv")
    assert not found.isna().any().any()
    pd.testing.assert_frame_equal(found, table, check_dtype=False, rtol=1e-9)


def test_metrics_count_the_verdicts_and_name_each(judgements, tmp_path):
    write_json(tmp_path / "verdicts.json", metrics(judgements))
    found = json.loads((tmp_path / "verdicts.json").read_text(encoding="utf-8"))
    assert found == {
        "num_refuted": 1,
        "num_inconclusive": 1,
        "num_invalid": 1,
        "num_supported": 1,
        "num_consistent_with": 1,
        "A/one": "supported",
        "A/two": "inconclusive",
        "B": "refuted",
        "C": "consistent with",
        "D": "invalid",
    }
    assert sum(found[f"num_{verdict.replace(' ', '_')}"] for verdict in VERDICTS) == len(judgements)


def test_the_same_evidence_has_the_same_verdicts_to_the_byte(judgements, tmp_path):
    again = judge([each.claim for each in judgements], Tables(), (SOUND,), SETTINGS)
    for name, found in (("one", judgements), ("two", again)):
        write_csv(tmp_path / f"{name}.csv", verdict_table(found))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
