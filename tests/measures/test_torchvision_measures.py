"""The measures of torchvision, where the two cases of each do not show all."""

from functools import partial

import pytest

from dlstudy.judging.evidence import Evidence, Exact, PerImage
from dlstudy.judging.rules import Rule, decide
from dlstudy.measures.find import measured
from tests.committed import committed_statements
from tests.measures.cases_torchvision import TABLES, census, right, tour, trained

SETTINGS = TABLES.study.judge
BY_KEY = {each.key: each for statement in committed_statements() for each in statement.readings}
AHEAD = Rule(region="better", quantifier="every")


def measure(key):
    return partial(measured, BY_KEY[key])


@pytest.mark.parametrize(
    ("accuracies", "verdict", "where"),
    [
        ((0.85, 0.9, 0.95), "inconclusive", "a"),  # one point, with a standard error of about one
        ((0.95, 0.78, 0.79), "refuted", "b"),
        ((0.95, 0.95, 0.9), "supported", "c"),
    ],
)
def test_every_network_has_to_be_ahead(accuracies, verdict, where):
    samples = {
        name: PerImage(right(accuracy, 2), right(0.84, 10)) for name, accuracy in zip("abc", accuracies, strict=True)
    }
    decision = decide(Evidence(samples), AHEAD, SETTINGS)
    assert (decision.verdict, decision.where) == (verdict, where)


def test_a_network_with_one_seed_gives_no_verdict():
    evidence = Evidence({"a": PerImage(right(0.95, 1), right(0.84, 10))})
    decision = decide(evidence, AHEAD, SETTINGS)
    assert (decision.verdict, decision.reasons) == ("invalid", ("1 seed, where a verdict takes at least 2",))


def total(evidence):
    return sum(sample.value for sample in evidence.samples.values())


def test_a_family_that_params_leave_out_is_a_fault():
    evidence = measure("TV-2/trained")(trained(0.9, 0.9, networks=("alexnet", "resnet18")))
    assert evidence.faults == ("params.yaml has no VGG that is trained from scratch",)
    assert set(evidence.samples) == {"alexnet", "resnet18"}


def test_without_any_network_there_is_evidence_of_nothing():
    evidence = measure("TV-2/trained")(trained(networks=()))
    assert len(evidence.faults) == 3
    assert decide(evidence, AHEAD, SETTINGS).estimate == 0


def test_a_network_that_starts_from_pretrained_weights_is_not_trained_from_scratch():
    results = trained(0.5, 0.5, 0.95)
    model = results.study.vision["resnet18"].model_copy(update={"weights": "ResNet18_Weights.IMAGENET1K_V1"})
    results.study.vision["resnet18"] = model
    assert measure("TV-2/beats_mlp")(results).faults == ("params.yaml has no ResNet-18 that is trained from scratch",)


def test_without_the_perceptron_there_is_nothing_to_beat():
    results = trained(0.9, 0.9, 0.95)
    del results.study.train["mlp_relu"]
    evidence = measure("TV-2/beats_mlp")(results)
    assert evidence.faults == ("params.yaml has no mlp_relu, a perceptron of the images",)


def test_a_network_of_the_note_that_the_census_leaves_out_is_a_fault():
    results = census()
    table = results.experiments["census", "builders"]
    results.experiments["census", "builders"] = table[table["builder"] != "vgg16"]
    assert measure("TV-2/operations")(results).faults == ("experiments.census.families leaves out VGG-16",)


def test_a_part_without_public_names_is_missing():
    sizes = {"datasets": 5, "models": 5, "transforms": 5, "utils": 0}
    assert measure("TV-1/parts")(tour(sizes)).samples["utils"] == Exact(1.0)


def test_weights_without_a_hash_in_their_files_name_do_not_count():
    results = tour(weights=tour().experiments["torchvision_tour", "weights"].assign(hash="none"))
    assert total(measure("TV-2/pretrained")(results)) == 3


def test_floats_do_not_count_where_a_setting_asks_for_no_change_of_whole_numbers():
    results = tour()
    table = results.experiments["torchvision_tour", "properties"]
    results.experiments["torchvision_tour", "properties"] = table.assign(
        num_equal=table["num_equal"].where(table["format"] != "float32", 0)
    )
    assert total(measure("TV-3/neutral")(results)) == 0
    assert total(measure("TV-3/moves")(results)) == 100
