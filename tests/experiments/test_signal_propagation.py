import math
from itertools import islice

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import integrate, special, stats
from torch import nn

from dlstudy.core.base.dataset import Split
from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.params import ParamsError
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import build_network, initialise
from dlstudy.experiments.signal_propagation.params import SignalParams
from dlstudy.experiments.signal_propagation.run import (
    TRAINED,
    Training,
    endless_minibatches,
    facts,
    predicted,
    propagate,
    train,
    trainings,
)
from dlstudy.signals.layers import (
    Pass,
    Variances,
    backward_ratio,
    dead_shares,
    drawn_network,
    layer_variances,
    mean_field,
    mean_ratio,
    normal_nodes,
    observed_images,
    pass_through,
    second_moments,
    signals,
    weight_gradients,
    with_activation,
)

PARAMS = SignalParams(
    width=12,
    depth=5,
    num_images=40,
    activations=("sigmoid", "tanh", "relu", "gelu"),
    inits=("small_normal", "pytorch", "xavier", "he"),
    small_std=0.01,
    training_width=10,
    training_lr=0.05,
    training_batch_size=32,
    training_steps=(0, 3, 8),
    num_training_seeds=1,
)
WIDTHS = [784, *[12] * 5, 10]

# Each activation and its slope, by formula, in NumPy.
FORMULAS = {
    "identity": (lambda x: x, lambda x: 1.0),
    "relu": (lambda x: max(x, 0.0), lambda x: float(x > 0)),
    "leaky_relu": (lambda x: x if x > 0 else 0.01 * x, lambda x: 1.0 if x > 0 else 0.01),
    "sigmoid": (special.expit, lambda x: special.expit(x) * special.expit(-x)),
    "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "gelu": (lambda x: x * stats.norm.cdf(x), lambda x: stats.norm.cdf(x) + x * stats.norm.pdf(x)),
    "silu": (
        lambda x: x * special.expit(x),
        lambda x: special.expit(x) * (1 + x * special.expit(-x)),
    ),
    "elu": (lambda x: x if x > 0 else math.expm1(x), lambda x: 1.0 if x > 0 else math.exp(x)),
}


def column(*values):
    return torch.tensor(values, dtype=torch.float64)


def network_of(widths, activation, init, seed=0):
    return drawn_network(widths, activation, init, 0.01, seed, torch.float64)


def look(network, images):
    return pass_through(network, images, network[0](images.features))


def draw_images(num, num_pixels, seed=0):
    stream = torch.Generator().manual_seed(seed)
    features = torch.randn(num, num_pixels, generator=stream, dtype=torch.float64)
    return Split(features, torch.arange(num) % 10)


@pytest.fixture(scope="module")
def tables(images):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "2")
        return propagate(images, PARAMS, (0, 1)) | trainings(images, PARAMS, (0, 1))


# --- Theory ---


def test_quadrature_gives_the_moments_of_a_standard_normal():
    z, weights = normal_nodes()
    # 0, 2, 4, 6: 1, 1, 3, 15; smooth functions, so that only rounding is left.
    moments = [float(z.pow(power) @ weights) for power in (0, 1, 2, 4, 6)]
    assert moments == pytest.approx([1, 0, 1, 3, 15], abs=1e-12)


@pytest.mark.parametrize("q", [1e-3, 0.3, 5.0])
@pytest.mark.parametrize("activation", FORMULAS)
def test_second_moments_agree_with_scipys_quadrature(activation, q):
    function, slope = FORMULAS[activation]

    def expected(f):
        halves = ((-12, 0), (0, 12))  # the kinks lie at 0
        parts = (integrate.quad(lambda z: f(math.sqrt(q) * z) ** 2 * stats.norm.pdf(z), *half) for half in halves)
        return sum(value for value, _ in parts)

    found = [moment.item() for moment in second_moments(activation, column(q))]
    # quad promises 1.5e-8; both are far nearer to the truth.
    assert found == pytest.approx([expected(function), expected(slope)], rel=1e-8)


def test_relu_halves_exactly():
    output, slope = second_moments("relu", column(0.5, 4.0))
    assert output.tolist() == pytest.approx([0.25, 2.0], rel=1e-13)
    assert slope.tolist() == pytest.approx([0.5, 0.5], rel=1e-13)


@pytest.mark.parametrize("init", ["small_normal", "pytorch", "xavier", "he"])
def test_variances_are_those_of_drawn_weights_and_biases(init):
    network = network_of([300, 400, 500], "relu", init)
    for layer, expected in zip(network[::2], layer_variances(init, [300, 400, 500], 0.01), strict=True):
        assert (expected.fan_out, expected.fan_in) == layer.weight.shape
        # 120,000 draws and more: the variance's relative error is sqrt(2 / 120,000) = 0.004 at most; four of that.
        assert layer.weight.var().item() == pytest.approx(expected.weight, rel=0.016)
        # 400 biases: sqrt(2 / 400) = 0.07 for normal ones, less for uniform ones.
        assert layer.bias.var().item() == pytest.approx(expected.bias, rel=0.2)


@pytest.mark.parametrize(("init", "chi"), [("he", 1.0), ("xavier", 0.5), ("pytorch", 1 / 6), ("small_normal", 0.0128)])
def test_relus_chi_is_half_the_gain(init, chi):
    theory = mean_field("relu", layer_variances(init, [784, 256, 256, 256, 10], 0.01), column(0.3, 2.0), 10)
    assert theory.chi.flatten().tolist() == pytest.approx([chi] * 4, rel=1e-12)  # 256 * 0.01^2 / 2 = 0.0128


def test_mean_field_of_a_linear_network_by_hand():
    layers = [Variances(4, 3, 0.5, 0.1), Variances(3, 2, 0.2, 0.3), Variances(2, 10, 0.7, 0.0)]
    theory = mean_field("identity", layers, column(2.0), 10)
    first = 4 * 0.5 * 2 + 0.1
    assert theory.preactivation.flatten().tolist() == pytest.approx([first, 3 * 0.2 * first + 0.3])
    assert theory.output.flatten().tolist() == pytest.approx(theory.preactivation.flatten().tolist())
    last = 0.7 * 0.9  # ten classes alike: (1 - 0.1)^2 + 9 * 0.1^2 = 0.9
    assert theory.backward.flatten().tolist() == pytest.approx([2 * 0.2 * last, last])
    assert theory.chi.flatten().tolist() == pytest.approx([2 * 0.2])


@pytest.mark.parametrize("init", ["pytorch", "he"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_wide_networks_are_as_theory_has_them(activation, init):
    widths, images = [100, *[400] * 5, 10], draw_images(64, 100)
    theory = predicted(images, widths, activation, init, 0.01)
    found = [signals(look(network_of(widths, activation, init, seed), images)) for seed in range(4)]
    # A layer's squared norm varies by about sqrt(5 / 400) = 0.11 from draw to draw, its root by half of that. The
    # ratio is the square root over two layers, hence by 0.06; the mean of four, by 0.03.
    mean = sum(map(backward_ratio, found)) / 4
    assert mean == pytest.approx(backward_ratio(theory), rel=0.08)
    forward = sum(mean_ratio(each.preactivation) for each in found) / 4
    assert forward == pytest.approx(mean_ratio(theory.preactivation), rel=0.08)


# --- One pass ---


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh"])
def test_deltas_and_weight_gradients_are_those_of_pytorchs_autograd(activation):
    images = draw_images(30, 20)
    network = network_of([20, 7, 6, 5, 10], activation, "pytorch")
    found = look(network, images)
    network.requires_grad_()
    nn.functional.cross_entropy(network(images.features), images.targets).backward()
    linear = [layer for layer in network if isinstance(layer, nn.Linear)][:-1]
    for layer, delta in zip(linear, found.deltas, strict=True):
        # The gradient by a bias is the mean of delta over the images; float64 sums of 30 terms.
        torch.testing.assert_close(delta.mean(0), layer.bias.grad, rtol=1e-10, atol=1e-15)
    expected = [layer.weight.grad.norm().item() for layer in linear]
    assert weight_gradients(found).tolist() == pytest.approx(expected, rel=1e-12)


def test_the_loss_and_the_signals_of_a_pass_are_those_of_the_network():
    images = draw_images(30, 20)
    network = network_of([20, 7, 6, 5, 10], "tanh", "he")
    found = look(network, images)
    assert found.loss == pytest.approx(nn.functional.cross_entropy(network(images.features), images.targets).item())
    before, after = network[:3](images.features).numpy(), network[:4](images.features).numpy()
    assert signals(found).preactivation[1].item() == pytest.approx(np.sqrt(np.mean(before**2)), rel=1e-12)
    assert signals(found).output[1].item() == pytest.approx(np.sqrt(np.mean(after**2)), rel=1e-12)


def test_the_delta_of_an_image_does_not_depend_on_the_others():
    images = draw_images(30, 20)
    network = network_of([20, 7, 6, 5, 10], "tanh", "he")
    alone = Split(images.features[4:5], images.targets[4:5])
    torch.testing.assert_close(look(network, alone).deltas[0][0], look(network, images).deltas[0][4])


def test_the_ratio_leaves_out_the_first_and_the_last_hidden_layer():
    assert mean_ratio(column(100.0, 1.0, 5.0, 2.0, 8.0, 3.0)) == pytest.approx(2.0)  # 1 to 8 in three factors


def test_a_unit_is_dead_if_no_image_takes_it_above_0():
    values = torch.tensor([[1.0, -1.0, 0.0, -2.0], [-1.0, -3.0, 0.0, 1.0]])
    assert dead_shares(Pass([], [values], [], [], 0.0)).tolist() == [0.5]


def test_every_activation_has_the_weights_that_the_seed_draws_everywhere():
    network = with_activation(network_of([20, 7, 6, 10], "identity", "he", seed=3), "tanh")
    usual = build_network(20, [7, 6], 10, activation="tanh", dtype=torch.float64)
    initialise(usual, "he", generator(3, "weights"))
    features = draw_images(5, 20).features
    assert torch.equal(network(features), usual(features))


# --- The tables ---


def test_the_observed_images_are_the_first_of_the_training_split(images):
    found = observed_images(images, 40)
    whole = images.standardised(images.train)
    assert torch.equal(found.features, whole.features[:40].double())
    assert torch.equal(found.targets, whole.targets[:40])


def test_the_tables_have_their_columns(tables):
    assert {name: list(table) for name, table in tables.items()} == {
        "ratios": [
            *("activation", "init", "seed", "predicted", "measured"),
            *("forward_predicted", "forward_measured"),
        ],
        "layers": [
            *("activation", "init", "layer", "predicted_preactivation", "preactivation", "predicted_output", "output"),
            *("predicted_backward", "backward", "backward_low", "backward_high"),
        ],
        "weight_gradients": ["activation", "init", "layer", "weight_gradient"],
        "dead": ["init", "seed", "layer", "share"],
        "training": ["activation", "init", "seed", "step", "layer", "backward"],
        "training_loss": ["activation", "init", "seed", "step", "loss"],
        "training_dead": ["init", "seed", "step", "layer", "share"],
    }


def test_the_tables_have_a_row_for_everything_measured(tables):
    cells = len(PARAMS.activations) * len(PARAMS.inits)
    assert {name: len(table) for name, table in tables.items()} == {
        "ratios": cells * 2,
        "layers": cells * 5,
        "weight_gradients": 3 * 4 * 5,
        "dead": 4 * 2 * 5,
        "training": len(TRAINED) * 3 * 5,
        "training_loss": len(TRAINED) * 3,
        "training_dead": 2 * 3 * 5,
    }
    assert not any(table.duplicated(table.columns[:-1]).any() for name, table in tables.items() if "dead" in name)
    assert not tables["ratios"].duplicated(["activation", "init", "seed"]).any()


def test_a_measured_ratio_is_that_of_its_network(tables, images):
    found = signals(look(network_of(WIDTHS, "gelu", "xavier", seed=1), observed_images(images, 40)))
    ratios = tables["ratios"].set_index(["activation", "init", "seed"])
    assert ratios.loc[("gelu", "xavier", 1), "measured"] == backward_ratio(found)
    deltas = found.backward.tolist()
    assert backward_ratio(found) == pytest.approx(math.sqrt(deltas[1] / deltas[3]))


def test_signals_by_layer_are_geometric_means_over_the_seeds(tables, images):
    split = observed_images(images, 40)
    by_seed = [signals(look(network_of(WIDTHS, "tanh", "he", seed), split)).backward for seed in (0, 1)]
    layers = tables["layers"]
    rows = layers[(layers["activation"] == "tanh") & (layers["init"] == "he")]
    # Written with six significant digits.
    assert rows["backward"].tolist() == pytest.approx((by_seed[0] * by_seed[1]).sqrt().tolist(), rel=1e-5)
    assert rows["backward_low"].tolist() == pytest.approx(torch.minimum(*by_seed).tolist(), rel=1e-5)
    assert rows["backward_high"].tolist() == pytest.approx(torch.maximum(*by_seed).tolist(), rel=1e-5)


def test_xavier_and_he_have_the_same_dead_units(tables):
    by_init = {init: rows["share"].tolist() for init, rows in tables["dead"].groupby("init")}
    assert by_init["xavier"] == by_init["he"]  # without biases, a factor of the weights changes no sign


def test_more_images_than_there_are_are_refused(images):
    params = PARAMS.model_copy(update={"num_images": 201})
    with pytest.raises(ParamsError, match=r"signal_propagation\.num_images: expected at most 200, .*, found 201"):
        propagate(images, params, (0,))


def test_facts_tell_of_the_gain_and_the_images(images):
    found = facts(images, PARAMS, (0, 1))
    assert found["gains"] == pytest.approx({"small_normal": 12e-4, "pytorch": 1 / 3, "xavier": 1.0, "he": 2.0})
    squares = observed_images(images, 40).features.square().mean(1)
    assert found["input_square_largest"] == squares.max().item()
    assert (found["ratio_layers"], found["num_ratios"]) == ([2, 4], 2)


# --- Training ---


def test_training_is_that_of_pytorchs_own_sgd(tables, images):
    widths = [784, *[10] * 5, 10]
    network = drawn_network(widths, "tanh", "xavier", 0.01, 0, torch.float32).requires_grad_()
    optimiser = torch.optim.SGD(network.parameters(), lr=PARAMS.training_lr)
    split, observed = images.standardised(images.train), observed_images(images, 40)
    losses = []
    batches = endless_minibatches(200, 32, generator(0, "minibatches"))  # 6 full ones an epoch: steps 7 and 8 are later
    for step, rows in enumerate(islice(batches, 9)):
        if step in PARAMS.training_steps:
            outputs = network(observed.features.float())
            losses.append(nn.functional.cross_entropy(outputs, observed.targets).item())
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(split.features[rows]), split.targets[rows]).backward()
        optimiser.step()
    table = tables["training_loss"]
    found = table[(table["activation"] == "tanh") & (table["init"] == "xavier")]
    assert found["loss"].tolist() == pytest.approx(losses, rel=1e-5)  # float32, eight steps


def test_minibatches_go_on_after_an_epoch_and_hold_every_row_in_each():
    batches = list(islice(endless_minibatches(10, 4, torch.Generator().manual_seed(0)), 6))
    for epoch in (batches[:3], batches[3:]):
        assert sorted(torch.cat(epoch).tolist()) == list(range(10))


def test_a_training_that_diverges_is_named(images):
    params = PARAMS.model_copy(update={"training_lr": 1e30})
    with pytest.raises(DivergedError, match=r"relu, he, seed 0 diverged by step 3.*signal_propagation\.training_lr"):
        train(images, observed_images(images, 40), params, Training("relu", "he", 0))


def test_a_minibatch_beyond_the_training_split_is_refused(images):
    with pytest.raises(ParamsError, match=r"signal_propagation\.training_batch_size: expected at most 200.*found 201"):
        trainings(images, PARAMS.model_copy(update={"training_batch_size": 201}), (0, 1))


def test_a_study_with_fewer_seeds_trains_with_all_of_them(images):
    more = PARAMS.model_copy(update={"num_training_seeds": 3, "training_steps": (0, 1)})
    assert set(trainings(images, more, (0, 1))["training"]["seed"]) == {0, 1}


@pytest.mark.slow  # other experiments are asked in `make test`
def test_one_process_finds_what_two_find(tables, images, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    again = propagate(images, PARAMS, (0, 1)) | trainings(images, PARAMS, (0, 1))
    for name, table in tables.items():
        pd.testing.assert_frame_equal(again[name], table, check_exact=True)
