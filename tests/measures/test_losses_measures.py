"""What the cases do not show: guards."""

import pytest

from dlstudy.judging.statements import load_statements
from dlstudy.measures.find import measured
from dlstudy.study.results import MissingResultError
from tests.measures.cases_losses import NUM_SEEDS, SUPPORTING, results, scores
from tests.measures.support import ROOT

(SOFT_3,) = (each for each in load_statements(ROOT / "statements") if each.id == "SOFT-3")
BY_READING = {each.name: each for each in SOFT_3.readings}


def faults(reading, found):
    return measured(BY_READING[reading], found).faults


def test_evidence_without_faults_has_none():
    assert all(faults(reading, SUPPORTING) == () for reading in BY_READING)


def test_a_learning_rate_at_the_edge_is_a_fault_of_the_claims_it_takes_part_in():
    found = results(scores(), at_edge={("mlp", "squared_error")})
    fault = "mlp, squared_error: its best learning rate, 0.1, lies at an end of those tried"
    assert faults("mlp", found) == faults("nll", found) == (fault,)
    assert faults("linear", found) == faults("closed_form", found) == ()


def test_a_run_that_diverged_is_a_fault_and_its_seed_left_out():
    table = scores()
    lacking = table[~((table["network"] == "mlp") & (table["loss"] == "squared_error") & (table["seed"] == 3))]
    evidence = measured(BY_READING["mlp"], results(lacking, diverged=["mlp, squared_error, seed 3"]))
    assert evidence.faults == ("mlp, squared_error, seed 3: diverged",)
    assert evidence.num_seeds == NUM_SEEDS - 1
    assert faults("linear", results(table, diverged=["mlp, squared_error, seed 3"])) == ()


def test_a_variant_without_any_seed_is_missing_evidence():
    table = scores()
    with pytest.raises(MissingResultError, match="expected rows of linear, closed_form, found none"):
        measured(BY_READING["closed_form"], results(table[table["loss"] != "closed_form"]))


def test_differences_are_in_points_of_accuracy_and_nats():
    # The accuracies wobble by 0.0006 at most, that is 0.06 points; the likelihoods by 0.006 nats;
    # a little more for the rounding of their difference.
    (points,) = measured(BY_READING["mlp"], SUPPORTING).samples.values()
    assert list(points.values) == pytest.approx([2.0] * NUM_SEEDS, abs=0.0601)
    (nats,) = measured(BY_READING["nll"], SUPPORTING).samples.values()
    assert list(nats.values) == pytest.approx([0.15] * NUM_SEEDS, abs=0.00601)


def test_the_facts_tell_the_least_learning_rate_that_diverged():
    sides = measured(BY_READING["closed_form"], SUPPORTING).facts["sides"]
    assert (sides["cross_entropy"]["diverging_lr"], sides["cross_entropy"]["num_rates"]) == (1.0, 3)
    assert "lr" not in sides["closed_form"]
