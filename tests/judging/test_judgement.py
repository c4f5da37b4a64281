"""From evidence to verdicts, with readings made up for it: guards, controls, many tests at once, thresholds, files."""

import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from dlstudy.core.base.artifacts import write_csv, write_json
from dlstudy.judging.evidence import Evidence, Exact, PerFold, PerSeed
from dlstudy.judging.judgement import NOT_AFTER_HOLM, Control, judge
from dlstudy.judging.rules import Rule, decide
from dlstudy.judging.tables import (
    a_a_controls,
    control_table,
    evidence_content,
    fragility,
    metrics,
    verdict_table,
    verdicts_of,
)
from dlstudy.study.params import JudgeParams
from tests.judging.support import one, statement
from tests.measures.support import Tables

SETTINGS = JudgeParams(margin=0.5, confidence=0.95)
NOISE = (-0.9, 1.4, 0.3, -1.2, 0.1, -0.4, 1.1, 0.8, -0.2, -1.0)  # ten seeds: mean 0
BETTER, SAME = {"region": "better"}, {"region": "equivalent"}


def around(centre, spread=0.1, **details):
    return Evidence({"": PerSeed([centre + spread * value for value in NOISE])}, num_seeds=10, **details)


def control(rule, evidence, name="made up"):
    return Control(name, "it comes out as expected", Rule(**rule), evidence)


SOUND = control(SAME, around(0.0))
BROKEN = control(SAME, around(0.0, 9.0), "broken")


def judged(given, controls=(SOUND,), settings=SETTINGS):
    """Judgements by key, of {reading: evidence}."""
    evidence = {reading.key: found for reading, found in given.items()}
    found = judge(list(given), Tables(), lambda reading, _: evidence[reading.key], controls, settings)
    return {each.reading.key: each for each in found}


def verdicts(given, **details):
    return {key: each.decision.verdict for key, each in judged(given, **details).items()}


def confirmed(key, rule=BETTER, **details):
    return one(key, rule=rule, confirmatory=True, **details)


# --- Guards ---


def test_the_rule_decides():
    found = judged({one("LIN-1/a", rule=BETTER): around(1.0)})["LIN-1/a"]
    assert found.decision == decide(around(1.0), Rule(**BETTER), SETTINGS)
    assert found.adjusted_p is None


def test_a_fault_makes_a_verdict_invalid_whatever_the_rule_says_and_shows_the_estimate():
    found = judged({one(): around(1.0, faults=("learning rate at the edge", "seed 3 diverged"))})["LIN-1/a"]
    assert found.decision.verdict == "invalid"
    assert found.decision.reasons == ("learning rate at the edge", "seed 3 diverged")
    assert found.decision.estimate == pytest.approx(1.0)
    assert (found.decision.p_value, found.elsewhere) == (None, {})


def test_the_reasons_of_the_rule_come_before_those_of_the_evidence():
    few = Evidence({"": PerSeed([1.0, 2.0, 3.0])}, num_seeds=3, faults=("one more",))
    expected = ("3 seeds, where a verdict takes at least 6", "one more")
    assert judged({one(): few})["LIN-1/a"].decision.reasons == expected


@pytest.mark.parametrize(
    "samples", [{}, {"d": PerSeed([])}, {"d": PerSeed([1.0, math.nan])}, {"d": Exact(1.0), "e": Exact(math.inf)}]
)
def test_a_number_that_is_none_is_an_error_with_the_name_of_the_reading(samples):
    """max(1.0, nan) is 1.0: a NaN would slip through a rule about the largest error."""
    with pytest.raises(ValueError, match=r"^LIN-1/a"):
        judged({one(): Evidence(samples)})


# --- Negative controls ---


def test_a_failing_control_makes_confirmatory_comparisons_invalid_and_nothing_else():
    given = {
        confirmed("LIN-1/a"): around(1.0),
        one("LIN-2/c"): around(1.0),
        confirmed("LIN-2/d", kind="identity"): around(1.0),
    }
    assert set(verdicts(given).values()) == {"supported"}
    found = judged(given, controls=(SOUND, BROKEN))
    assert {key: each.decision.verdict for key, each in found.items()} == {
        "LIN-1/a": "invalid",
        "LIN-2/c": "supported",
        "LIN-2/d": "supported",
    }
    (reason,) = found["LIN-1/a"].decision.reasons
    assert 'the control "broken" fails' in reason
    assert "the smallest margin that this study supports is" in reason


def test_a_threshold_that_is_tried_fails_no_control():
    """Whether the measurements are sound does not depend on the margin at which a verdict is tried."""
    noisy = control(SAME, around(0.3))  # equivalent within 0.5, not within 0.25
    found = judged({confirmed("LIN-1/a"): around(2.0)}, controls=(noisy,))["LIN-1/a"]
    assert found.elsewhere == {"margin 0.25": "supported", "margin 1": "supported"}


def test_the_table_of_controls_says_which_one_fails_why_and_what_it_resolves():
    table = control_table((SOUND, BROKEN), SETTINGS)
    assert table["passes"].tolist() == ["yes", "no"]
    assert table["why_not"][0] == "n/a"
    assert 'the control "broken" fails' in table["why_not"][1]
    assert float(table["resolves"][0]) < SETTINGS.margin < float(table["resolves"][1])
    faulty = control(SAME, around(0.0, faults=("seed 3 diverged",)))
    assert control_table([faulty], SETTINGS)["passes"].tolist() == ["no"]


def test_a_a_controls_stand_in_the_table_of_controls_each_once():
    resolving, coarse = PerSeed([0.1 * value for value in NOISE]), PerSeed([9.0 * value for value in NOISE])
    paired = around(1.0, again={"depth 8": coarse, "depth 1": resolving})
    judgements = list(judged({one("ACT-5/a"): paired, one("ACT-2/a"): paired}).values())
    table = control_table(a_a_controls(judgements), SETTINGS)
    assert table["control"].tolist() == ["A/A, depth 8", "A/A, depth 1"]
    assert table["passes"].tolist() == ["no", "yes"]


# --- Many tests at once ---


def near(num_zeros):
    """Ten differences, some of them 0: flipping those changes nothing, so the p-value is 2 * 2^num_zeros / 1024."""
    return Evidence({"": PerSeed([1.0] * (10 - num_zeros) + [0.0] * num_zeros)}, num_seeds=10)


def test_holm_demotes_what_is_significant_alone_only():
    # p = 2 * 2^3 / 1024 = .0156 alone; of four, .0625
    weak = {confirmed("LIN-1/a"): near(3)}
    strong = {confirmed(f"LIN-{number}/a"): around(2.0) for number in (2, 3, 4)}
    assert verdicts(weak) == {"LIN-1/a": "supported"}
    found = judged(weak | strong)
    assert found["LIN-1/a"].adjusted_p == pytest.approx(2 * 8 / 1024)  # the largest of the four: times 1
    assert verdicts(weak | strong)["LIN-1/a"] == "supported"
    weakest = {confirmed(f"SGD-{number}/a"): near(3) for number in range(1, 5)}
    demoted = judged(weakest)["SGD-1/a"]
    assert demoted.adjusted_p == pytest.approx(4 * 16 / 1024)
    assert (demoted.decision.verdict, demoted.decision.reasons) == ("inconclusive", (NOT_AFTER_HOLM,))


def test_exploratory_readings_are_not_in_the_family():
    given = {confirmed("LIN-1/a"): near(3)} | {one(f"SGD-{n}/a"): around(0.0, 9.0) for n in range(1, 9)}
    found = judged(given)
    assert found["LIN-1/a"].decision.verdict == "supported"
    assert [key for key, each in found.items() if each.adjusted_p is not None] == ["LIN-1/a"]


def test_what_decides_nothing_counts_in_the_family():
    given = {confirmed("LIN-1/a"): near(4), confirmed("LIN-2/a"): around(0.0, 9.0)}
    assert judged(given)["LIN-1/a"].adjusted_p == pytest.approx(2 * 2 * 16 / 1024)


def test_a_confirmatory_reading_needs_a_test():
    folds = Evidence({"": PerFold([1.0, 1.1, 0.9] * 2, 3)})
    with pytest.raises(ValueError, match="LIN-1/a: expected a rule that gives a p-value"):
        judged({confirmed("LIN-1/a", {"region": "above", "threshold": 0.0}): folds})


def test_where_no_test_could_ever_pass_the_correction_the_reading_is_invalid_with_that_reason():
    six = Evidence({"": PerSeed([1.0, 1.1, 1.2, 0.9, 1.0, 1.1])}, num_seeds=6)
    assert verdicts({confirmed("LIN-1/a"): six}) == {"LIN-1/a": "supported"}  # 2 / 64 = .031
    found = judged({confirmed(f"LIN-{number}/a"): six for number in (1, 2)})["LIN-1/a"].decision
    assert found.verdict == "invalid"
    assert "among 2 tests (Holm), which takes at least 7" in found.reasons[0]


# --- Thresholds halved and doubled ---


def test_a_verdict_that_another_threshold_turns_is_named_with_it():
    found = judged(
        {
            one("LIN-1/a", rule=SAME): around(0.35),  # within 0.5, beyond 0.25
            one("LIN-2/a", rule={"region": "below", "threshold": 2.0}): around(1.5),
            one("LIN-3/a", rule={"region": "above", "threshold": 0.0}): around(1.5),
            one("LIN-4/a", rule=BETTER): around(5.0),
        }
    )
    assert {key: fragility(each) for key, each in found.items()} == {
        "LIN-1/a": "margin 0.25: refuted",
        "LIN-2/a": "threshold 1: refuted",
        "LIN-3/a": "n/a",  # the first edition said "no" of 71 readings that have no margin
        "LIN-4/a": "no",
    }


# --- Files ---


@pytest.fixture
def judgements():
    facts = {"num_seeds": 10, "rates": [0.1, 0.2], "of": {"relu": 0.5}, "name": "none"}
    agree = {"region": "at_most", "threshold": 0.0, "quantifier": "total", "proves": False}
    given = {
        confirmed("LIN-1/one", SAME): around(0.35),
        confirmed("LIN-1/two"): around(0.0, 9.0),
        one("LIN-2", rule=SAME, unit="1"): around(0.7),
        one("LIN-3", rule=agree, kind="count"): Evidence({"x": Exact(0.0)}, facts=facts, aside={"y": Exact(1.0)}),
        one("LIN-4", kind="identity"): around(0.0, faults=("a guard, failed\n",)),
    }
    return list(judged(given).values())


def table_of(judgements):
    return verdict_table(judgements, {each.reading.key: "fixed before its evidence" for each in judgements})


def test_the_table_of_verdicts_comes_back_from_its_file(judgements, tmp_path):
    table = table_of(judgements)
    write_csv(tmp_path / "verdicts.csv", table)
    found = pd.read_csv(tmp_path / "verdicts.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(found, table, check_dtype=False, rtol=1e-9)  # ten digits are written
    assert found["id"].tolist() == ["LIN-1/one", "LIN-1/two", "LIN-2", "LIN-3", "LIN-4"]
    assert found["verdict"].tolist() == ["supported", "inconclusive", "refuted", "consistent with", "invalid"]
    assert found["outcome"].tolist() == ["equivalent", "undecided", "better", "none", "equivalent"]
    assert found["fragile"].tolist() == ["margin 0.25: refuted", "no", "margin 1: supported", "n/a", "n/a"]
    assert found["num_seeds"].tolist() == [10, 10, 10, 0, 10]
    assert set(found["relation"]) == {"says"}


def test_what_is_said_besides_comes_back_from_its_file(judgements, tmp_path):
    content = evidence_content(judgements, SETTINGS)
    write_json(tmp_path / "evidence.json", content)
    found = json.loads((tmp_path / "evidence.json").read_text(encoding="utf-8"))
    assert found["LIN-1/one"]["elsewhere"] == {"margin 0.25": "refuted", "margin 1": "supported"}
    assert found["LIN-1/one"]["p_value"] == pytest.approx(1 / 1024)
    assert found["LIN-1/one"]["adjusted_p"] == pytest.approx(2 / 1024)
    assert found["LIN-2"]["conditions"][""]["verdict"] == "refuted"
    assert found["LIN-3"]["facts"] == {"num_seeds": 10, "rates": [0.1, 0.2], "of": {"relu": 0.5}, "name": "none"}
    assert found["LIN-3"]["aside"]["y"]["estimate"] == 1.0
    assert found["LIN-4"]["reasons"] == ["a guard, failed\n"]
    assert [key for key, each in found.items() if each["power"]] == ["LIN-1/two"]


def test_verdicts_are_flat_and_the_metrics_are_counts_alone(judgements):
    found = verdicts_of(judgements)
    assert found["LIN-1/two"] == "inconclusive"
    statements = (statement("LIN-1", {"one": {}, "two": {}}), statement("LIN-2", {"only": {}}))
    counts = metrics(statements, found)
    assert (counts["statements_conditions"], counts["statements_does_not_hold"]) == (1, 1)
    assert (counts["readings_invalid"], counts["readings_consistent_with"]) == (1, 1)
    assert all(isinstance(value, int) for value in counts.values())


def test_a_judgement_is_frozen(judgements):
    assert replace(judgements[0], adjusted_p=0.5).adjusted_p == 0.5
    with pytest.raises(AttributeError):
        judgements[0].adjusted_p = 0.5
