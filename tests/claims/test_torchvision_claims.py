"""The claims about torchvision, where the two cases of each do not tell all."""

import math

import pytest

from dlstudy.claims.torchvision import CLAIMS, MoreRight
from dlstudy.judging.core import Evidence
from dlstudy.judging.statistics import share_difference_interval
from tests.claims.cases_torchvision import TABLES, census, tour, trained

SETTINGS = TABLES.study.judge
BY_KEY = {claim.key: claim for claim in CLAIMS}


def test_the_interval_of_a_difference_of_shares_is_that_of_the_textbook():
    found = share_difference_interval(0.9, 0.85, 10_000, 0.95)
    error = math.sqrt((0.9 * 0.1 + 0.85 * 0.15) / 10_000)
    assert found.estimate == pytest.approx(0.05)
    assert (found.low, found.high) == pytest.approx((0.05 - 1.959964 * error, 0.05 + 1.959964 * error))


def test_a_share_of_no_cases_has_no_interval():
    with pytest.raises(ValueError, match="expected shares of 1 case at least, found 0"):
        share_difference_interval(0.9, 0.8, 0, 0.95)


@pytest.mark.parametrize(
    ("accuracies", "verdict", "where"),
    [
        ((0.85, 0.86, 0.87), "inconclusive", "a"),  # one point, with a standard error of half a point
        ((0.90, 0.80, 0.81), "refuted", "b"),
        ((0.90, 0.90, 0.86), "supported", "c"),
    ],
)
def test_every_network_has_to_be_ahead(accuracies, verdict, where):
    samples = {name: (value, 0.84, 10_000) for name, value in zip("abc", accuracies, strict=True)}
    decision = MoreRight().decide(Evidence(samples), SETTINGS)
    assert (decision.verdict, decision.where) == (verdict, where)


def test_what_is_surely_ahead_is_not_refuted_because_it_is_ahead_by_little():
    settings = SETTINGS.model_copy(update={"margin": 1.0})
    samples = {"little": (0.993, 0.99, 10_000), "much": (0.999, 0.99, 10_000), "more": (0.9995, 0.99, 10_000)}
    decision = MoreRight().decide(Evidence(samples), settings)
    assert decision.verdict == "supported"
    assert 0 < decision.low < decision.high < settings.margin


def test_a_family_that_params_leave_out_is_a_fault():
    evidence = BY_KEY["TV-2/trained"].measure(trained(0.9, 0.9, networks=("alexnet", "resnet18")))
    assert evidence.faults == ("params.yaml has no VGG that is trained from scratch",)
    assert set(evidence.samples) == {"alexnet", "resnet18"}


def test_without_any_network_there_is_evidence_of_nothing():
    evidence = BY_KEY["TV-2/trained"].measure(trained(networks=()))
    assert len(evidence.faults) == 3
    assert MoreRight().decide(evidence, SETTINGS).estimate == 0


def test_a_network_that_starts_from_pretrained_weights_is_not_trained_from_scratch():
    results = trained(0.5, 0.5, 0.95)
    model = results.study.train["resnet18"].model_copy(update={"weights": "ResNet18_Weights.IMAGENET1K_V1"})
    results.study.train["resnet18"] = model
    assert BY_KEY["TV-2/beats_mlp"].measure(results).faults == (
        "params.yaml has no ResNet-18 that is trained from scratch",
    )


def test_without_the_perceptron_there_is_nothing_to_beat():
    results = trained(0.9, 0.9, 0.95)
    del results.study.train["mlp_relu"]
    evidence = BY_KEY["TV-2/beats_mlp"].measure(results)
    assert evidence.faults == ("params.yaml has no mlp_relu, a perceptron of the images",)


def test_a_network_of_the_note_that_the_census_leaves_out_is_a_fault():
    results = census()
    table = results.experiments["census", "builders"]
    results.experiments["census", "builders"] = table[table["builder"] != "vgg16"]
    assert BY_KEY["TV-2/operations"].measure(results).faults == ("experiments.census.families leaves out VGG-16",)


def test_a_part_without_public_names_is_missing():
    sizes = {"datasets": 5, "models": 5, "transforms": 5, "utils": 0}
    assert BY_KEY["TV-1/parts"].measure(tour(sizes)).samples["utils"] == (1.0,)


def test_weights_without_a_hash_in_their_files_name_do_not_count():
    results = tour(weights=tour().experiments["torchvision_tour", "weights"].assign(hash="none"))
    assert sum(sum(values) for values in BY_KEY["TV-2/pretrained"].measure(results).samples.values()) == 3


def test_floats_do_not_count_where_a_setting_asks_for_no_change_of_whole_numbers():
    results = tour()
    table = results.experiments["torchvision_tour", "properties"]
    results.experiments["torchvision_tour", "properties"] = table.assign(
        num_equal=table["num_equal"].where(table["format"] != "float32", 0)
    )
    assert sum(*BY_KEY["TV-3/neutral"].measure(results).samples.values()) == 0
    assert sum(map(sum, BY_KEY["TV-3/moves"].measure(results).samples.values())) == 100
