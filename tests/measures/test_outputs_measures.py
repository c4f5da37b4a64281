"""What the cases do not show: guards, and what is told of outputs, mixtures and rescues."""

import pytest

from dlstudy.judging.rules import decide
from dlstudy.measures.find import measured
from dlstudy.measures.outputs import best_mixture
from dlstudy.measures.samples import Trainings
from dlstudy.study.results import MissingResultError
from tests.committed import committed_statements
from tests.measures.cases_outputs import NUM_SEEDS, SUPPORTING, prices, results

BY_KEY = {
    each.key: each
    for statement in committed_statements()
    for each in statement.readings
    if each.en.measure.startswith("outputs.")
}


def faults(key, found):
    return measured(BY_KEY[key], found).faults


def test_evidence_without_faults_has_none():
    assert all(faults(key, SUPPORTING) == () for key in BY_KEY)


def test_the_confirmatory_family_is_small_and_fixed():
    assert [key for key, each in BY_KEY.items() if each.en.confirmatory] == [
        *("ACT-3/literal", "ACT-4/accuracy", "ACT-6/equivalent")
    ]


def test_a_learning_rate_at_the_edge_is_a_fault_of_the_claims_it_takes_part_in():
    found = results(at_edge={("shallow", "one_vs_rest", 8.0)})
    fault = "shallow, one_vs_rest, 8 epochs: its best learning rate, 0.1, lies at an end of those tried"
    assert faults("ACT-6/better", found) == faults("ACT-6/equivalent", found) == (fault,)
    assert faults("ACT-4/accuracy", found) == faults("MLP-1/needed", found) == ()


def test_a_run_that_diverged_is_a_fault_and_its_seed_left_out():
    found = results(diverged={("shallow", "relu_logits", 2.0, 3)})
    evidence = measured(BY_KEY["ACT-4/accuracy"], found)
    assert evidence.faults == ("shallow, relu_logits, 2 epochs, seed 3: diverged",)
    assert [len(sample.values) for sample in evidence.samples.values()] == [NUM_SEEDS - 1, NUM_SEEDS]
    assert evidence.num_seeds == NUM_SEEDS - 1
    assert faults("ACT-6/equivalent", found) == ()


def test_no_seed_left_to_compare_is_missing_evidence():
    lost = {("shallow", "relu_logits", 8.0, seed) for seed in range(NUM_SEEDS)}
    with pytest.raises(MissingResultError, match="expected a seed with which"):
        measured(BY_KEY["ACT-4/accuracy"], results(diverged=lost))


def test_differences_are_in_points_of_accuracy_at_each_budget():
    evidence = measured(BY_KEY["ACT-4/accuracy"], SUPPORTING)
    assert list(evidence.samples) == ["2 epochs", "8 epochs"]
    for points in evidence.samples.values():
        assert list(points.values) == pytest.approx([7.0] * NUM_SEEDS, abs=0.0601)  # each accuracy wobbles by 0.0006


@pytest.mark.parametrize(
    ("key", "cell", "accuracy"),
    [
        ("ACT-4/accuracy", ("shallow", "relu_logits"), 0.88),
        ("ACT-6/linear", ("shallow", "squared_error"), 0.88),
        ("ACT-7/better", ("middle", "relu"), 0.89),
    ],
)
def test_a_verdict_depends_on_the_budget_where_the_two_disagree(key, cell, accuracy):
    found = results(at_longest={cell: accuracy})
    decision = decide(measured(BY_KEY[key], found), BY_KEY[key].en.rule, found.study.judge)
    assert (decision.verdict, decision.where) == ("depends", "2 epochs: supported; 8 epochs: refuted")


# --- Prices ---


def test_the_excess_of_the_error_is_in_percent():
    (excess,) = measured(BY_KEY["ACT-3/literal"], results(price=prices(relu=60_000.0))).samples.values()
    assert list(excess.values) == pytest.approx([20.0] * NUM_SEEDS, abs=0.3)  # errors wobble by 60 of 50,000


def test_prices_have_the_same_guards():
    assert faults("ACT-3/literal", results(price_at_edge=True)) == (
        "identity: its best learning rate, 0.1, lies at an end of those tried",
        "relu: its best learning rate, 0.1, lies at an end of those tried",
    )
    evidence = measured(BY_KEY["ACT-3/literal"], results(price=prices(lost={("relu", 2)})))
    assert evidence.faults == ("price, seed 2: diverged",)
    assert evidence.num_seeds == NUM_SEEDS - 1


def test_dead_outputs_are_told_but_decide_nothing():
    linear, relu, dying = measured(BY_KEY["ACT-3/literal"], SUPPORTING).facts["sides"]
    assert (linear["num_dead"], relu["num_dead"], dying["num_dead"]) == (0, 0, NUM_SEEDS)


def test_the_least_learning_rate_that_fails_is_reported():
    assert measured(BY_KEY["ACT-3/literal"], SUPPORTING).facts["failing"] == {"identity": None, "relu": 1.0}


# --- Mixtures ---


def test_the_mixture_is_chosen_by_validation_with_the_tuning_seeds():
    found = results(at_longest={("middle", "alternating"): 0.89})
    trainings = Trainings(found, "activation_outputs")
    assert [best_mixture(trainings, budget).variant for budget in (2.0, 8.0)] == ["sigmoid_last", "alternating"]
    assert [row["variant"] for row in measured(BY_KEY["ACT-7/better"], found).facts["rows"] if row["best"]] == [
        *("sigmoid_last", "alternating")
    ]


# --- Rescues ---


def test_a_seed_that_diverged_has_not_been_rescued_and_is_no_fault():
    evidence = measured(BY_KEY["ACT-11/rescued"], results(diverged={("deep", "batch_norm", 2.0, 0)}))
    assert evidence.samples["batch_norm"].first == (NUM_SEEDS - 1, NUM_SEEDS)
    assert evidence.faults == ()


def test_a_longer_training_of_the_plain_network_is_a_rescue():
    samples = measured(BY_KEY["ACT-11/rescued"], results(at_longest={("deep", "plain"): 0.85})).samples
    assert samples["longer"].first == (NUM_SEEDS, NUM_SEEDS)
    assert samples["longer"].second == samples["adam"].second == (0, NUM_SEEDS)


def test_only_the_learning_rate_of_the_plain_network_must_not_be_at_the_edge():
    """A better one beyond the edge would make a rescue look worse than it is, the plain network better."""
    assert faults("ACT-11/rescued", results(at_edge={("deep", "adam", 2.0), ("deep", "plain", 8.0)})) == ()
    assert len(faults("ACT-11/rescued", results(at_edge={("deep", "plain", 2.0)}))) == 1
