import copy
from pathlib import Path

import pytest

from dlstudy.core.base.params import ParamsError, load_section, validated
from dlstudy.experiments.published_networks.params import PublishedNetworksParams
from dlstudy.literature.published import load_published

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"
CONTENT = {
    "table": {
        "networks": [{"hidden": [100], "num_epochs": 2}, {"hidden": [100, 10], "num_epochs": 3}],
        "activations": ["relu", "tanh"],
        "init": "xavier",
        "lr": 0.001,
        "batch_size": 200,
        "num_seeds": 3,
    },
    "tutorial": {
        "hidden": [32, 16],
        "runs": [{"activation": "sigmoid", "init": "pytorch"}, {"activation": "sigmoid", "init": "lecun"}],
        "lr": 0.01,
        "momentum": 0.9,
        "batch_size": 256,
        "max_epochs": 20,
        "patience": 7,
        "num_seeds": 2,
        "num_images": 512,
    },
}


def test_lists_become_tuples_in_their_order():
    params = validated(CONTENT, PublishedNetworksParams)
    assert [network.hidden for network in params.table.networks] == [(100,), (100, 10)]
    assert [(run.activation, run.init) for run in params.tutorial.runs] == [
        ("sigmoid", "pytorch"),
        ("sigmoid", "lecun"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "expected", "found"),
    [
        ("table.networks", CONTENT["table"]["networks"][:1] * 2, "each shape once", "[[100], [100]]"),
        ("table.networks", [], "at least 1", "[]"),
        ("table.networks", [{"hidden": [0], "num_epochs": 2}], "greater than 0", "0"),
        ("table.networks", [{"hidden": [8], "num_epochs": 1}], "greater than or equal to 2", "1"),
        ("table.activations", ["relu", "relu"], "each name once", "['relu', 'relu']"),
        ("table.activations", ["relu"], "at least 2", "['relu']"),
        ("table.activations", ["relu", "swish"], "an activation of torch.nn", "'swish'"),
        ("table.init", "glorot", "'lecun'", "'glorot'"),
        ("table.batch_size", 0.5, "integer", "0.5"),
        ("tutorial.momentum", 1.0, "less than 1", "1.0"),
        ("tutorial.momentum", -0.1, "greater than or equal to 0", "-0.1"),
        ("tutorial.hidden", [32], "at least 2", "[32]"),  # between two layers there is a ratio
        ("tutorial.runs", [CONTENT["tutorial"]["runs"][0]] * 2, "each run once", "['sigmoid', 'pytorch']"),
        ("tutorial.patience", 0, "greater than 0", "0"),
    ],
)
def test_what_cannot_be_trained_is_refused(key, value, expected, found):
    content, (section, name) = copy.deepcopy(CONTENT), key.split(".")
    content[section][name] = value
    with pytest.raises(ParamsError) as caught:
        validated(content, PublishedNetworksParams, prefix="experiments.published_networks")
    assert f"experiments.published_networks.{key}" in str(caught.value)
    assert expected in str(caught.value)
    assert found in str(caught.value)


def test_every_network_of_the_table_is_a_published_one_and_the_other_way_round():
    params = load_section("experiments.published_networks", PublishedNetworksParams, COMMITTED)
    ours = {
        (network.hidden, activation) for network in params.table.networks for activation in params.table.activations
    }
    published = {(each.hidden, each.activation) for each in load_published().networks if "1708.07747" in each.source}
    assert ours == published
    assert params.tutorial.hidden in {each.hidden for each in load_published().networks}
