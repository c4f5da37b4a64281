"""The census against modules counted by hooks, hand-worked counts, and what torchvision publishes."""

from collections import Counter
from functools import cache

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision import models
from torchvision.models._api import WeightsEnum
from torchvision.ops import SqueezeExcitation

from dlstudy.experiments.census import run as census
from dlstudy.experiments.census.families import Family, load_families
from dlstudy.experiments.census.run import CensusError, Tally, count, leading
from dlstudy.measures.census import by_values, tied
from dlstudy.measures.find import measured
from tests.committed import committed_statements
from tests.measures.support import Tables

IMAGE = (1, 3, 32, 32)
FAMILIES = load_families()
entry = cache(census.entry)


@pytest.fixture(autouse=True)
def no_weights(monkeypatch):
    """Asking for weights fails the test; the fixture no_network besides refuses every connection."""

    def refuse(*args, **kwargs):
        pytest.fail("the census must not ask for weights")

    monkeypatch.setattr(WeightsEnum, "get_state_dict", refuse)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)


class Layers(nn.Module):
    """A network whose forward pass is a function of its input."""

    def __init__(self, forward):
        super().__init__()
        self.forward = forward


def calls_of(network, shape=IMAGE):
    """The number of calls by kind and activation."""
    tallies = count(network.to("meta"), torch.empty(shape, device="meta")).tallies
    return {key: tally.num_calls for key, tally in tallies.items()}


# --- Counting ---


def test_modules_and_functions_are_counted_once_each():
    relu = nn.ReLU(inplace=True)
    network = Layers(lambda x: functional.relu(torch.relu(relu(x)).relu()).relu_())
    assert calls_of(network) == {("hidden", "relu"): 5}


def test_a_module_that_is_called_twice_counts_twice():
    relu = nn.ReLU()
    assert calls_of(nn.Sequential(relu, relu)) == {("hidden", "relu"): 2}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (nn.ReLU(), "relu"),
        (nn.ReLU6(inplace=True), "relu6"),
        (nn.Hardtanh(), "hardtanh"),
        (nn.Hardtanh(0, 5), "hardtanh"),
        (nn.GELU(), "gelu"),
        (nn.GELU(approximate="tanh"), "gelu"),
        (nn.SiLU(inplace=True), "silu"),
        (nn.Hardswish(), "hardswish"),
        (nn.Tanh(), "tanh"),
        (nn.Sigmoid(), "sigmoid"),
        (nn.Hardsigmoid(), "hardsigmoid"),
        (nn.Softmax(dim=1), "softmax"),
    ],
    ids=repr,
)
def test_an_activation_is_known_by_its_name(module, name):
    assert calls_of(module) == {("hidden", name): 1}


def test_values_are_those_of_the_result():
    tallies = count(nn.ReLU(), torch.empty(1, 4, 5, 5, device="meta")).tallies
    assert tallies == {("hidden", "relu"): Tally(num_calls=1, num_values=100)}


@pytest.mark.parametrize("function", [functional.softplus, functional.mish, functional.leaky_relu])
def test_an_operator_that_is_on_no_list_is_an_error(function):
    with pytest.raises(CensusError, match=r"expected an operator in ACTIVATIONS or OTHERS, found \w+; "):
        calls_of(Layers(function))


def test_a_sigmoid_is_a_gate_inside_squeeze_and_excitation_and_hidden_elsewhere():
    network = nn.Sequential(SqueezeExcitation(3, 2), nn.Sigmoid())
    assert calls_of(network) == {("hidden", "relu"): 1, ("gate", "sigmoid"): 1, ("hidden", "sigmoid"): 1}


def test_the_softmax_of_attention_is_a_gate():
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    network = Layers(lambda x: attention(x, x, x, need_weights=False)[0].relu())
    network.attention = attention
    assert calls_of(network, (1, 5, 8)) == {("gate", "softmax"): 1, ("hidden", "relu"): 1}


def test_batch_normalisation_passes_its_shape_on():
    """Its operator is not run: what stands in for its result must be as large."""
    tallies = count(
        nn.Sequential(nn.BatchNorm2d(3), nn.ReLU()).eval().to("meta"), torch.empty(2, 3, 4, 5, device="meta")
    ).tallies
    assert tallies["hidden", "relu"].num_values == 2 * 3 * 4 * 5


def test_the_leading_activation_has_most_calls_and_gates_do_not_count():
    tallies = {
        ("hidden", "gelu"): Tally(3, 1),
        ("hidden", "relu"): Tally(2, 50),
        ("gate", "softmax"): Tally(9, 99),
    }
    assert leading(tallies) == "gelu"


def test_of_two_with_as_many_calls_the_one_with_more_values_leads():
    assert leading({("hidden", "relu"): Tally(3, 1), ("hidden", "gelu"): Tally(3, 2)}) == "gelu"


# --- torchvision's builders ---

BY_HAND = {
    "alexnet": {("hidden", "relu"): 7},  # 5 convolutions and 2 of the 3 linear layers
    "vgg16": {("hidden", "relu"): 15},  # 16 layers with weights, and none after the last
    "resnet18": {("hidden", "relu"): 17},  # the stem, and two in each of 8 blocks
    "densenet121": {("hidden", "relu"): 121},  # stem, 2 x 58 layers, 3 transitions, and a function after the last norm
    "googlenet": {("hidden", "relu"): 57},  # all functions: 3 convolutions, and 6 in each of 9 blocks
    "mobilenet_v2": {("hidden", "relu6"): 35},  # first, last, and two a block in 17 blocks but one in the first
    "swin_v2_t": {  # 12 blocks: GELU between linear layers, ReLU in the network of the position bias
        ("hidden", "gelu"): 12,
        ("hidden", "relu"): 12,
        ("gate", "sigmoid"): 12,
        ("gate", "softmax"): 12,
    },
    "mobilenet_v3_small": {  # 9 of its 11 blocks squeeze: a ReLU and a gate each
        ("hidden", "hardswish"): 19,  # first, last two, and two in each of 8 blocks
        ("hidden", "relu"): 14,  # one, two and two in the first 3 blocks, and those 9
        ("gate", "hardsigmoid"): 9,
    },
    "vit_b_16": {("hidden", "gelu"): 12, ("gate", "softmax"): 12},
}


@pytest.mark.parametrize("builder", BY_HAND)
def test_calls_are_those_counted_by_hand(builder):
    found = entry(builder)
    assert {key: tally.num_calls for key, tally in found.tallies.items()} == BY_HAND[builder]


@pytest.mark.parametrize(
    ("builder", "num_parameters"), [("alexnet", 61_100_840), ("vgg16", 138_357_544), ("resnet18", 11_689_512)]
)
def test_parameters_are_as_many_as_are_published(builder, num_parameters):
    found = entry(builder)
    assert found.num_parameters == found.published_num_parameters == num_parameters


@pytest.mark.parametrize(
    ("builder", "weights", "operations", "acc_at_1"),
    [
        ("alexnet", "AlexNet_Weights.IMAGENET1K_V1", 0.714, 56.522),
        ("vgg16", "VGG16_Weights.IMAGENET1K_V1", 15.47, 71.592),
        ("resnet18", "ResNet18_Weights.IMAGENET1K_V1", 1.814, 69.758),
    ],
)
def test_operations_are_as_many_as_are_published_of_the_weights(builder, weights, operations, acc_at_1):
    found = entry(builder)
    assert round(found.num_operations / 1e9, 3) == found.published_operations == operations
    assert (found.weights, found.acc_at_1) == (weights, acc_at_1)


def test_operations_are_those_counted_by_hand():
    network = nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 32 * 32, 10))
    found = count(network.to("meta"), torch.empty(IMAGE, device="meta"))
    # every output of the convolution is a sum of 3 x 5 x 5 products, every one of the linear layer of all its inputs
    assert found.num_operations == 8 * 32 * 32 * 3 * 5 * 5 + 8 * 32 * 32 * 10


@pytest.mark.parametrize("builder", ["googlenet", "inception_v3", "vit_h_14"])
def test_a_builder_with_options_makes_the_network_of_its_weights(builder):
    found = entry(builder)
    assert found.num_parameters == found.published_num_parameters


@pytest.mark.parametrize("builder", ["resnet18", "efficientnet_b0", "maxvit_t"])
def test_hooks_on_the_modules_count_the_same(builder):
    """These networks call their activations as modules only (attention's softmax apart)."""
    kinds = {nn.ReLU: "relu", nn.SiLU: "silu", nn.GELU: "gelu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}
    called = Counter()
    network = models.get_model(builder, weights=None).eval()
    for module in network.modules():
        if type(module) in kinds:
            module.register_forward_hook(lambda module, *_: called.update([kinds[type(module)]]))
    with torch.no_grad():
        network(torch.zeros(1, 3, 224, 224))
    found = entry(builder).tallies
    assert called == {name: tally.num_calls for (_, name), tally in found.items() if name != "softmax"}


def test_a_network_has_no_memory_and_leaves_the_random_state_alone():
    before = torch.random.get_rng_state()
    network = census.build("resnet18", 224)
    assert all(tensor.is_meta for tensor in (*network.parameters(), *network.buffers()))
    assert not network.training
    assert torch.equal(torch.random.get_rng_state(), before)


def test_modules_built_afterwards_have_memory_and_initial_values_again():
    census.build("alexnet", 224)
    weight = nn.Linear(3, 4).weight
    assert not weight.is_meta
    assert weight.unique().numel() > 1


def test_the_builders_are_those_of_image_classifiers():
    names = census.builders()
    assert {"alexnet", "vgg16", "resnet18", "vit_b_16"} <= set(names)
    assert not [name for name in names if name.startswith(("quantized", "fcn", "fasterrcnn", "r3d", "raft"))]


# --- Tables ---


def test_tables_have_a_row_for_each_builder_call_and_family():
    tables = census.census(["alexnet", "squeezenet1_1", "mobilenet_v3_small"], FAMILIES)
    rows = tables["builders"].set_index("builder")
    assert rows["activation"].to_dict() == {
        "alexnet": "relu",
        "squeezenet1_1": "relu",
        "mobilenet_v3_small": "hardswish",
    }
    assert rows.loc["mobilenet_v3_small", ["year", "num_calls", "num_hidden_calls", "num_gate_calls"]].tolist() == [
        *(2019, 19, 33, 9)
    ]
    assert len(tables["calls"]) == 1 + 1 + 3
    assert tables["families"]["family"].tolist() == ["alexnet", "squeezenet", "mobilenet_v3"]
    assert census.facts(tables) == {
        "num_builders": 3,
        "num_families": 3,
        "num_with_weights": 3,
        "num_equal_parameters": 3,
        "num_equal_operations": 3,
        "num_hidden_calls": 7 + 26 + 33,
        "num_gate_calls": 9,
        "num_activations": 2,
    }


def test_a_family_counts_by_the_activation_of_most_of_its_builders():
    family = Family(name="net", year=2020, source="Somebody", builders=("a", "b", "c"))
    rows = [("a", "relu", 90), ("b", "gelu", 1), ("c", "gelu", 1)]
    columns = ["builder", "activation", "num_calls"]
    table = pd.DataFrame(rows, columns=columns).assign(family="net")
    (row,) = census.family_table(table, [family]).to_dict("records")
    assert (row["activation"], row["num_builders"], row["num_with_it"]) == ("gelu", 3, 2)


def test_a_builder_without_a_family_is_named():
    with pytest.raises(
        CensusError, match=r"families.yaml: expected a family for every builder, found none for alexnet"
    ):
        census.census(["alexnet"], FAMILIES[1:])


# --- Measures ---

(ACT_1,) = (each for each in committed_statements() if each.id == "ACT-1")
BY_KEY = {each.key: each for each in ACT_1.readings}


def made_up(*years: int, published: int = 1000) -> Tables:
    """Results with a family of one network, with ReLU, for each year."""
    names = [f"net{index}" for index in range(len(years))]
    rows = pd.DataFrame({"builder": names, "family": names, "year": years, "activation": "relu"})
    tables = {
        "builders": rows.assign(num_parameters=1000, published_num_parameters=published),
        "families": rows.drop(columns="builder").assign(source="Somebody", num_builders=1, num_with_it=1),
        "calls": rows[["builder", "activation"]].assign(kind="hidden", num_calls=7, num_values=700),
    }
    return Tables(experiments={("census", name): table for name, table in tables.items()}, facts_of={"census": {}})


@pytest.mark.parametrize("key", BY_KEY)
def test_another_number_of_parameters_than_is_published_is_a_fault(key):
    assert measured(BY_KEY[key], made_up(2012, 2019)).faults == ()
    assert len(measured(BY_KEY[key], made_up(2012, 2019, published=999)).faults) == 2


def test_no_published_number_of_parameters_is_no_fault():
    assert measured(BY_KEY["ACT-1/stock"], made_up(2012, published=0)).faults == ()


def test_only_families_of_the_named_year_and_later_are_recent():
    results = made_up(2012, 2018, 2019, 2022)
    assert measured(BY_KEY["ACT-1/recent"], results).samples[""].num == 2
    assert measured(BY_KEY["ACT-1/families"], results).samples[""].num == 4


def test_networks_whose_activations_are_called_equally_often_are_reported():
    hidden = pd.DataFrame(
        [("a", "relu", 3, 9), ("a", "gelu", 3, 12), ("b", "relu", 2, 5), ("b", "gelu", 1, 50)],
        columns=["builder", "activation", "num_calls", "num_values"],
    )
    assert tied(hidden) == ["a"]
    builders = pd.DataFrame({"builder": ["a", "b"], "activation": ["gelu", "relu"]})
    assert by_values(builders, hidden) == {"num_relu": 0, "moved": [{"builder": "b", "activation": "gelu"}]}
