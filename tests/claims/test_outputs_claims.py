"""What the cases do not show: guards, and the rules that are this chapter's own."""

import pytest
from scipy import stats

from dlstudy.claims.outputs import CLAIMS, best_mixture
from dlstudy.claims.outputs_rules import AnyHigher, Occurs, WorseBy
from dlstudy.judging.core import Evidence
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import MissingResultError
from tests.claims.cases_outputs import NUM_SEEDS, SUPPORTING, prices, results

BY_KEY = {claim.key: claim for claim in CLAIMS}
SETTINGS = JudgeParams(margin=0.5, other_margins=(1.0,), confidence=0.95, num_resamples=999, seed=0)


def faults(key, found):
    return BY_KEY[key].measure(found).faults


def test_evidence_without_faults_has_none():
    assert all(faults(key, SUPPORTING) == () for key in BY_KEY)


def test_the_confirmatory_family_is_small_and_fixed():
    assert [key for key, claim in BY_KEY.items() if claim.confirmatory] == [
        *("MLP-1/accuracy", "ACT-3/literal", "ACT-4/accuracy", "ACT-6/equivalent")
    ]


def test_a_learning_rate_at_the_edge_is_a_fault_of_the_claims_it_takes_part_in():
    found = results(at_edge={("shallow", "one_vs_rest")})
    fault = "shallow, one_vs_rest: its best learning rate, 0.1, lies at an end of those tried"
    assert faults("ACT-6/better", found) == faults("ACT-6/equivalent", found) == (fault,)
    assert faults("ACT-4/accuracy", found) == faults("MLP-1/accuracy", found) == ()


def test_a_run_that_diverged_is_a_fault_and_its_seed_left_out():
    found = results(diverged={("shallow", "relu_logits", 3)})
    evidence = BY_KEY["ACT-4/accuracy"].measure(found)
    assert evidence.faults == ("shallow, relu_logits, seed 3: diverged",)
    assert evidence.num_seeds == NUM_SEEDS - 1
    assert faults("ACT-6/equivalent", found) == ()


def test_no_seed_left_to_compare_is_missing_evidence():
    lost = {("shallow", "relu_logits", seed) for seed in range(NUM_SEEDS)}
    with pytest.raises(MissingResultError, match="expected a seed with which"):
        BY_KEY["ACT-4/accuracy"].measure(results(diverged=lost))


def test_differences_are_in_points_of_accuracy():
    (points,) = BY_KEY["ACT-4/accuracy"].measure(SUPPORTING).samples.values()
    assert points == pytest.approx([7.0] * NUM_SEEDS, abs=0.0601)  # each accuracy wobbles by 0.0006


# --- Prices ---


def test_the_excess_of_the_error_is_in_percent():
    (excess,) = BY_KEY["ACT-3/literal"].measure(results(price=prices(relu=60_000.0))).samples.values()
    assert excess == pytest.approx([20.0] * NUM_SEEDS, abs=0.3)  # errors wobble by 60 of 50,000


def test_prices_have_the_same_guards():
    assert faults("ACT-3/literal", results(price_at_edge=True)) == (
        "identity: its best learning rate, 0.1, lies at an end of those tried",
        "relu: its best learning rate, 0.1, lies at an end of those tried",
    )
    evidence = BY_KEY["ACT-3/literal"].measure(results(price=prices(lost={("relu", 2)})))
    assert evidence.faults == ("price, seed 2: diverged",)
    assert evidence.num_seeds == NUM_SEEDS - 1


def test_dead_outputs_are_told_but_decide_nothing():
    linear, relu, dying = BY_KEY["ACT-3/literal"].measure(SUPPORTING).facts["sides"]
    assert (linear["num_dead"], relu["num_dead"], dying["num_dead"]) == (0, 0, NUM_SEEDS)


def test_the_least_learning_rate_that_fails_is_told():
    assert BY_KEY["ACT-3/literal"].measure(SUPPORTING).facts["failing"] == {"identity": None, "relu": 1.0}


@pytest.mark.parametrize(
    ("excess", "verdict"),
    [
        ([2.5, 2.6, 2.7, 2.5, 2.6, 2.7], "supported"),
        ([1.5, 1.6, 1.7, 1.5, 1.6, 1.7], "refuted"),
        ([-5.0, -6.0, -5.5, -5.0, -6.0, -5.5], "refuted"),
        ([1.0, 3.1, 2.9, 1.1, 2.8, 1.2], "inconclusive"),
        ([9.0, 9.1], "invalid"),
    ],
)
def test_worse_by_more_than_a_threshold(excess, verdict):
    decision = WorseBy(2.0).decide(Evidence({"a over b": excess}, num_seeds=len(excess)), SETTINGS)
    assert decision.verdict == verdict
    if verdict in ("supported", "refuted"):
        assert decision.p_value == 1 / 64  # all six on one side of 2: one flip of 2^6 is as extreme


# --- Mixtures ---


def test_the_mixture_is_chosen_by_validation_with_the_tuning_seeds():
    assert best_mixture(SUPPORTING).variant == "sigmoid_last"
    assert best_mixture(results({("middle", "alternating"): 0.89})).variant == "alternating"


# --- What can happen, and rescues ---


def test_a_single_case_shows_that_it_can_happen():
    rule = Occurs("case")
    assert rule.decide(Evidence({"x": [0.0, 0.0, 1.0]}), SETTINGS).verdict == "supported"
    assert rule.decide(Evidence({"x": [0.0, 0.0, 0.0]}), SETTINGS).verdict == "inconclusive"


def shares(**counts):
    return Evidence({name: [1.0] * num + [0.0] * (10 - num) for name, num in counts.items()}, num_seeds=10)


@pytest.mark.parametrize(
    ("counts", "verdict", "where"),
    [
        ({"plain": 0, "one": 10, "two": 0}, "supported", "one"),
        ({"plain": 0, "one": 9, "two": 10}, "supported", "two"),
        ({"plain": 0, "one": 4, "two": 4}, "inconclusive", "one"),  # p = 0.043, twice that after Holm
        ({"plain": 0, "one": 1, "two": 0}, "refuted", "one"),  # Wilson to 0.46 at 97.5 %
        ({"plain": 10, "one": 10, "two": 10}, "inconclusive", "one"),  # nothing to rescue
    ],
)
def test_one_share_that_is_higher_is_enough(counts, verdict, where):
    decision = AnyHigher("plain").decide(shares(**counts), SETTINGS)
    assert (decision.verdict, decision.where) == (verdict, where)
    assert decision.threshold == counts["plain"] / 10


def test_the_p_value_is_fishers_after_holm():
    decision = AnyHigher("plain").decide(shares(plain=2, one=7, two=3), SETTINGS)
    # 2 * P(7 or more of the 9 that reach it are among the first 10 of 20)
    assert decision.p_value == pytest.approx(2 * stats.hypergeom(20, 9, 10).sf(6), rel=1e-9)


def test_a_seed_that_diverged_has_not_been_rescued_and_is_no_fault():
    evidence = BY_KEY["ACT-11/rescued"].measure(results(diverged={("deep", "batch_norm", 0)}))
    assert sum(evidence.samples["batch_norm"]) == NUM_SEEDS - 1
    assert evidence.faults == ()


def test_only_the_learning_rate_of_the_plain_network_must_not_be_at_the_edge():
    """A better one beyond the edge would make a rescue look worse than it is, the plain network better."""
    assert faults("ACT-11/rescued", results(at_edge={("deep", "adam")})) == ()
    assert len(faults("ACT-11/rescued", results(at_edge={("deep", "plain")}))) == 1
