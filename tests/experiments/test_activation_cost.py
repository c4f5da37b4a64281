"""What is timed, in which order, and on what. Never how long it took: a clock of the test's own counts."""

from itertools import count, pairwise

import pytest
import torch

from dlstudy.core.base.params import ParamsError
from dlstudy.core.networks import ACTIVATIONS
from dlstudy.core.params import SgdParams
from dlstudy.experiments.activation_cost import run as activation_cost
from dlstudy.experiments.activation_cost.params import CostParams
from dlstudy.experiments.activation_cost.run import (
    epoch,
    epoch_times,
    first_images,
    forward,
    forward_backward,
    in_turn,
    kernel_parts,
    kernel_times,
    name_of,
    seconds_a_call,
)
from dlstudy.sgd.loop import start_run

PARAMS = CostParams(
    activations=("relu", "gelu", "sigmoid", "tanh"),
    sides=(4, 8, 32),
    largest_in_cache=8,
    smallest_in_memory=32,
    num_values=100,
    num_rounds=3,
    networks=((6,), (5, 5, 5, 5)),
    num_images=70,
    batch_size=32,
    num_epoch_rounds=2,
    seed=1,
)
PARTS = ("forward", "forward_backward")


def ticking():
    """A clock that is a second later whenever it is looked at."""
    seconds = count()
    return lambda: float(next(seconds))


# --- Turns ---


def test_each_activation_has_its_turn_and_each_is_first_once():
    rounds = [tuple(in_turn(PARAMS.activations, round_)) for round_ in range(4)]
    assert all(sorted(each) == sorted(PARAMS.activations) for each in rounds)
    assert {each[0] for each in rounds} == set(PARAMS.activations)
    assert all(later[-1] == earlier[0] for earlier, later in pairwise(rounds))


def test_a_timing_is_the_mean_of_its_calls():
    calls = []
    assert seconds_a_call(lambda: calls.append(1), 4, ticking()) == 0.25
    assert len(calls) == 4


# --- Kernels ---


def test_a_row_for_each_round_side_part_and_activation_and_none_of_the_warm_up():
    table = kernel_times(PARAMS, ticking())
    assert list(table) == ["round", "side", "part", "activation", "microseconds"]
    assert len(table) == 3 * 3 * 2 * 4
    assert not table.duplicated(["round", "side", "part", "activation"]).any()
    assert sorted(set(table["round"])) == [1, 2, 3]


def test_small_tensors_are_taken_often_and_large_ones_once():
    table = kernel_times(PARAMS, ticking())  # a second a timing, whatever the number of calls
    found = {side: set(times.round(6)) for side, times in table.groupby("side")["microseconds"]}
    assert found == {4: {round(1e6 / 6, 6)}, 8: {1e6}, 32: {1e6}}  # 100 values: 6 of 16, 1 of 64, 1 of 1024


def test_activations_follow_one_another_within_a_part_and_round(monkeypatch):
    order = []
    monkeypatch.setattr(
        activation_cost, "seconds_a_call", lambda work, num_calls, clock: order.append(work) or float(len(order))
    )
    table = kernel_times(PARAMS)
    groups = table.groupby(["side", "part", "round"])["microseconds"]
    assert (groups.max() - groups.min() == 3e6).all()  # the number of the timing: four in a row
    assert len(order) == len(set(map(id, order))) * 4  # each piece of work in the warm-up and in three rounds


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_timed_is_the_activation_and_its_gradient(name):
    values = torch.linspace(-3, 3, 24).reshape(4, 6)
    gradient = torch.linspace(1, 2, 24).reshape(4, 6)
    inputs = values.clone().requires_grad_()
    expected = ACTIVATIONS[name]()(inputs)
    expected.backward(gradient)
    found = forward(name, values)()
    assert torch.equal(found, expected)
    assert not found.requires_grad  # the graph is not recorded
    work = forward_backward(name, values, gradient)
    torch.testing.assert_close(work(), inputs.grad)
    torch.testing.assert_close(work(), inputs.grad)  # nothing adds up from call to call


def test_a_timed_call_leaves_its_input_as_it_was():
    values = torch.linspace(-3, 3, 24)
    for name in PARAMS.activations:
        forward(name, values)()
    assert torch.equal(values, torch.linspace(-3, 3, 24))


def test_all_activations_are_timed_on_the_same_standard_normal_values():
    parts, again = kernel_parts(PARAMS, 32), kernel_parts(PARAMS, 32)
    assert list(parts) == list(PARTS)
    assert all(list(works) == list(PARAMS.activations) for works in parts.values())
    outputs = {name: work() for name, work in parts["forward"].items()}
    # tanh tells its input
    torch.testing.assert_close(torch.sigmoid(torch.atanh(outputs["tanh"])), outputs["sigmoid"], atol=1e-4, rtol=0)
    torch.testing.assert_close(again["forward"]["gelu"](), outputs["gelu"])
    # 1,024 draws: the mean of ReLU is 1 / sqrt(2 pi) = 0.399, its standard error 0.58 / 32 = 0.018; four of that
    assert outputs["relu"].mean().item() == pytest.approx(0.399, abs=0.073)
    assert (outputs["relu"].dtype, outputs["relu"].shape) == (torch.float32, (32, 32))


# --- Epochs ---


def test_a_row_for_each_round_network_and_activation(images):
    table = epoch_times(images, PARAMS, ticking())
    assert list(table) == ["round", "network", "num_hidden", "activation", "seconds"]
    assert len(table) == 2 * 2 * 4
    assert not table.duplicated(["round", "network", "activation"]).any()
    assert dict(zip(table["network"], table["num_hidden"], strict=True)) == {"6": 1, "4 x 5": 4}
    assert set(table["seconds"]) == {1.0}  # the clock is looked at before and after, no more


def test_an_epoch_is_that_of_the_studys_loop(images):
    """70 images in minibatches of 32: three steps, in which every parameter moves."""
    split = first_images(images, 70)
    scores = epoch(images, split, PARAMS, (6,), "tanh")()
    model = {"method": "sgd", "data": "images", "hidden": [6], "activation": "tanh", "init": "pytorch"}
    params = SgdParams.model_validate(model | {"lr": 0.01, "batch_size": 32, "num_epochs": 1})
    network, order = start_run(images, params, 1)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    total = 0.0
    for step, rows in enumerate(torch.randperm(70, generator=order).split(32)):
        for group in optimiser.param_groups:
            group["lr"] = 0.01 * (1 - step / 3)
        loss = torch.nn.functional.cross_entropy(network(split.features[rows]), split.targets[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(rows)
    assert scores.loss == pytest.approx(total / 70, rel=1e-5)  # float32


def test_an_epoch_starts_from_the_same_weights_every_time(images):
    split = first_images(images, 70)
    first, again = (epoch(images, split, PARAMS, (5, 5, 5, 5), "relu")() for _ in range(2))
    assert first == again


def test_the_images_are_the_first_of_the_training_split(images):
    split = first_images(images, 70)
    assert len(split) == 70
    assert torch.equal(split.features, images.standardised(images.train).features[:70])


def test_more_images_than_there_are_are_refused(images):
    params = PARAMS.model_copy(update={"num_images": 201})
    with pytest.raises(ParamsError, match=r"activation_cost\.num_images: expected at most 200.*found 201"):
        epoch_times(images, params)


@pytest.mark.parametrize(
    ("widths", "name"), [((128,), "128"), ((128, 64), "128-64"), ((128,) * 8, "8 x 128"), ((4, 4), "2 x 4")]
)
def test_networks_are_named_by_their_hidden_layers(widths, name):
    assert name_of(widths) == name
