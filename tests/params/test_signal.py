import pytest

from dlstudy.core.base.params import ParamsError, validated
from dlstudy.experiments.signal_propagation.params import CLAIMED_ACTIVATIONS, CLAIMED_INITS, SignalParams

CONTENT = {
    "width": 256,
    "depth": 10,
    "num_images": 512,
    "activations": ["sigmoid", "tanh", "relu", "gelu"],
    "inits": ["small_normal", "pytorch", "xavier", "he"],
    "small_std": 0.01,
    "training_width": 128,
    "training_lr": 0.05,
    "training_batch_size": 64,
    "training_steps": [0, 10, 100],
    "num_training_seeds": 3,
}


def problem(changes):
    with pytest.raises(ParamsError) as caught:
        validated(CONTENT | changes, SignalParams, prefix="experiments.signal_propagation")
    first, line = str(caught.value).split("\n  ")
    assert first.endswith("1 problem")
    return line


def test_lists_become_tuples_in_their_order():
    params = validated(CONTENT, SignalParams)
    assert params.activations == ("sigmoid", "tanh", "relu", "gelu")
    assert params.training_steps == (0, 10, 100)


@pytest.mark.parametrize("missing", CLAIMED_ACTIVATIONS)
def test_an_activation_that_a_claim_is_about_must_be_there(missing):
    names = [name for name in CONTENT["activations"] if name != missing]
    line = problem({"activations": names})
    assert line.startswith(f"experiments.signal_propagation.activations: expected {missing} among the names")


@pytest.mark.parametrize("missing", CLAIMED_INITS)
def test_an_initialiser_that_a_claim_is_about_must_be_there(missing):
    names = [name for name in CONTENT["inits"] if name != missing]
    assert f"inits: expected {missing} among the names" in problem({"inits": names})


def test_small_normal_may_be_left_out():
    assert validated(CONTENT | {"inits": list(CLAIMED_INITS)}, SignalParams).inits == CLAIMED_INITS


@pytest.mark.parametrize(
    ("changes", "expected", "found"),
    [
        ({"activations": [*CONTENT["activations"], "gelu"]}, "each name once", "'gelu', 'gelu'"),
        ({"inits": ["zeros", *CONTENT["inits"]]}, "'small_normal', 'pytorch', 'xavier' or 'he'", "'zeros'"),
        ({"depth": 3}, "greater than or equal to 4", "3"),  # between the first and the last there must be a ratio
        ({"training_steps": [10, 100]}, "begin with 0", "[10, 100]"),
        ({"training_steps": [0, 100, 10]}, "ascending", "[0, 100, 10]"),
        ({"training_steps": [0, 10, 10]}, "ascending", "[0, 10, 10]"),
        ({"training_steps": [0]}, "at least 2", "[0]"),
        ({"small_std": 0.0}, "greater than 0", "0.0"),
    ],
)
def test_what_cannot_be_measured_is_refused(changes, expected, found):
    line = problem(changes)
    assert "expected" in line
    assert expected in line
    assert found in line
