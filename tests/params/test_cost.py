"""The parameters of the timings: what is refused, and how it is told."""

import pytest

from dlstudy.core.base.params import ParamsError, validated
from dlstudy.experiments.activation_cost.params import CLAIMED_ACTIVATIONS, CostParams

CONTENT = {
    "activations": ["relu", "gelu", "sigmoid", "tanh"],
    "sides": [8, 16, 64],
    "largest_in_cache": 16,
    "smallest_in_memory": 64,
    "num_values": 1000,
    "num_rounds": 8,
    "networks": [[8], [8, 8, 8, 8]],
    "num_images": 100,
    "batch_size": 50,
    "num_epoch_rounds": 8,
    "seed": 0,
}


def problem(changes, **context):
    with pytest.raises(ParamsError) as caught:
        validated(CONTENT | changes, CostParams, prefix="experiments.activation_cost", context=context)
    first, line = str(caught.value).split("\n  ")
    assert first.endswith("1 problem")
    return line


def test_lists_become_tuples_in_their_order():
    params = validated(CONTENT, CostParams)
    assert params.activations == ("relu", "gelu", "sigmoid", "tanh")
    assert params.networks == ((8,), (8, 8, 8, 8))


@pytest.mark.parametrize("missing", CLAIMED_ACTIVATIONS)
def test_an_activation_that_a_claim_is_about_must_be_there(missing):
    line = problem({"activations": [name for name in CONTENT["activations"] if name != missing]})
    assert line.startswith(f"experiments.activation_cost.activations: expected {missing} among the names")


@pytest.mark.parametrize(
    ("changes", "expected", "found"),
    [
        ({"activations": [*CONTENT["activations"], "gelu"]}, "each name once", "'gelu'"),
        ({"activations": [*CONTENT["activations"], "swish"]}, "silu", "'swish'"),
        ({"sides": [16, 8, 64]}, "ascending numbers, each once", "[16, 8, 64]"),
        ({"sides": [8, 8, 64]}, "ascending numbers, each once", "[8, 8, 64]"),
        ({"sides": [64]}, "at least 2", "[64]"),
        ({"largest_in_cache": 7}, "at least 8, the smallest of sides", "7"),
        ({"smallest_in_memory": 65}, "at most 64, the largest of sides", "65"),
        ({"smallest_in_memory": 16}, "more than largest_in_cache, 16", "16"),
        ({"num_values": 0}, "greater than 0", "0"),
        ({"num_rounds": 1}, "greater than or equal to 2", "1"),
        ({"num_epoch_rounds": 1}, "greater than or equal to 2", "1"),
        ({"networks": [[8], [8]]}, "each network once", "[[8], [8]]"),
        ({"networks": [[8], [8, 8, 8]]}, "one with 1 hidden layer and one with 4 or more", "[1, 3] hidden layers"),
        ({"networks": [[8, 8], [8, 8, 8, 8]]}, "one with 1 hidden layer and one with 4 or more", "[2, 4]"),
        ({"batch_size": 101}, "at most num_images, 100", "101"),
        ({"seed": -1}, "greater than or equal to 0", "-1"),
    ],
)
def test_what_cannot_be_timed_is_refused(changes, expected, found):
    line = problem(changes)
    assert line.startswith(f"experiments.activation_cost.{next(iter(changes))}")
    assert expected in line
    assert found in line.split("found ", 1)[1]


def test_a_network_without_hidden_layers_has_no_activation_to_time():
    assert "networks.0: expected at least 1 entry, found []" in problem({"networks": [[], [8], [8, 8, 8, 8]]})


def test_no_more_images_than_the_training_split_has():
    line = problem({}, num_training_rows={"images": 99})
    assert line.endswith("num_images: expected at most 99, the training split of images, found 100")
