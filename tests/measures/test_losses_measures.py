"""What the cases do not show: guards."""

import pytest

from dlstudy.judging.rules import decide
from dlstudy.measures.find import measured
from dlstudy.study.results import MissingResultError
from tests.committed import committed_statements
from tests.measures.cases_losses import NUM_SEEDS, SUPPORTING, results, scores

(SOFT_3,) = (each for each in committed_statements() if each.id == "SOFT-3")
BY_READING = {each.name: each for each in SOFT_3.readings}


def faults(reading, found):
    return measured(BY_READING[reading], found).faults


def test_evidence_without_faults_has_none():
    assert all(faults(reading, SUPPORTING) == () for reading in BY_READING)


def test_a_learning_rate_at_the_edge_is_a_fault_of_the_claims_it_takes_part_in():
    found = results(scores(), at_edge={("mlp", "squared_error", 2.0)})
    fault = "mlp, squared_error, 2 epochs: its best learning rate, 0.1, lies at an end of those tried"
    assert faults("mlp", found) == faults("nll", found) == (fault,)
    assert faults("linear", found) == faults("closed_form", found) == ()


def test_a_run_that_diverged_is_a_fault_and_its_seed_left_out():
    table, run = scores(), ("mlp", "squared_error", 8.0, 3)
    lacking = table[(table[["network", "loss", "budget", "seed"]] != list(run)).any(axis=1)]
    evidence = measured(BY_READING["mlp"], results(lacking, diverged=[run]))
    assert evidence.faults == ("mlp, squared_error, 8 epochs, seed 3: diverged",)
    assert evidence.num_seeds == NUM_SEEDS - 1
    assert faults("linear", results(table, diverged=[run])) == ()


def test_a_seed_that_is_missing_without_having_diverged_is_a_fault():
    table = scores()
    lacking = table[~((table["loss"] == "squared_error") & (table["seed"] == 3))]
    assert faults("mlp", results(lacking)) == ("seeds without a partner: 3",)


def test_a_variant_without_any_seed_is_missing_evidence():
    table = scores()
    with pytest.raises(MissingResultError, match="expected rows of linear, closed_form, 0 epochs, found none"):
        measured(BY_READING["closed_form"], results(table[table["loss"] != "closed_form"]))


def test_differences_are_in_points_of_accuracy_and_nats_at_each_budget():
    # The accuracies wobble by 0.0006 at most, that is 0.06 points; the likelihoods by 0.006 nats;
    # a little more for the rounding of their difference.
    evidence = measured(BY_READING["mlp"], SUPPORTING)
    assert list(evidence.samples) == ["MLP, 2 epochs", "MLP, 8 epochs"]
    for points in evidence.samples.values():
        assert list(points.values) == pytest.approx([2.0] * NUM_SEEDS, abs=0.0601)
    for nats in measured(BY_READING["nll"], SUPPORTING).samples.values():
        assert list(nats.values) == pytest.approx([0.15] * NUM_SEEDS, abs=0.00601)


def test_a_verdict_depends_on_the_budget_where_the_two_disagree():
    found = results(scores(at_longest={("mlp", "squared_error"): 0.87}))
    decision = decide(measured(BY_READING["mlp"], found), BY_READING["mlp"].en.rule, found.study.judge)
    assert (decision.verdict, decision.where) == ("depends", "2 epochs: supported; 8 epochs: refuted")


def test_a_difference_of_the_mlp_in_accuracy_stands_beside_its_control():
    evidence = {name: measured(reading, SUPPORTING) for name, reading in BY_READING.items()}
    assert {name: list(each.again) for name, each in evidence.items() if each.again} == {
        "mlp": ["MLP, 2 epochs", "MLP, 8 epochs"]
    }
    unlike = results(scores(at_longest={("mlp", "again"): 0.86}))
    decision = decide(measured(BY_READING["mlp"], unlike), BY_READING["mlp"].en.rule, unlike.study.judge)
    assert decision.verdict == "inconclusive"


def test_the_facts_tell_the_least_learning_rate_that_diverged():
    for sides in measured(BY_READING["closed_form"], SUPPORTING).facts["by_budget"]:
        assert (sides["cross_entropy"]["diverging_lr"], sides["cross_entropy"]["num_rates"]) == (1.0, 3)
        assert "lr" not in sides["closed_form"]
