import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import nn
from torch.nn.modules import activation as activation_module

from dlstudy.core.networks import ACTIVATIONS, INITIALISERS, build_network, initialise, matching_init

FAN_IN, FAN_OUT = 50, 30
BOUNDS = {  # of weights and biases, with these fans; worked by hand from the papers' formulas
    "zeros": (0.0, 0.0),
    "pytorch": (0.1414213562, 0.1414213562),  # 1 / sqrt(50)
    "xavier": (0.2738612788, 0.0),  # sqrt(6 / (50 + 30))
    "lecun": (0.2449489743, 0.0),  # sqrt(3 / 50)
    "he": (0.3464101615, 0.0),  # sqrt(6 / 50)
    "xavier4": (1.0954451150, 0.0),  # 4 sqrt(6 / (50 + 30))
}

FORMULAS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "gelu": lambda x: x * stats.norm.cdf(x),
    "silu": lambda x: x * special.expit(x),
    "elu": lambda x: np.where(x > 0, x, special.expm1(x)),
    "celu": lambda x: np.where(x > 0, x, special.expm1(x)),  # at alpha = 1 it is ELU
    "hardshrink": lambda x: np.where(abs(x) > 0.5, x, 0),
    "hardsigmoid": lambda x: np.clip(x / 6 + 1 / 2, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 1 / 2, 0, 1),
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "log_sigmoid": special.log_expit,
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * special.expm1(x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "softshrink": lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
    "softsign": lambda x: x / (1 + abs(x)),
    "tanhshrink": lambda x: x - np.tanh(x),
}
LEFT_OUT = {  # of torch.nn's activations: those that learn, draw, take arguments or mix units
    *("GLU", "MultiheadAttention", "PReLU", "RReLU", "Threshold"),
    *("Softmax", "Softmax2d", "Softmin", "LogSoftmax"),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def initialised(init: str, *widths: int, seed: int = 0) -> nn.Sequential:
    num_inputs, *hidden, num_outputs = widths
    network = build_network(num_inputs, hidden, num_outputs, activation="relu" if hidden else None)
    initialise(network, init, seeded(seed))
    return network


def test_every_activation_of_torch_that_acts_on_each_number_by_itself_has_a_name():
    names = {kind.__name__ for kind in ACTIVATIONS.values()} - {"Identity"}
    assert names == set(activation_module.__all__) - LEFT_OUT


@pytest.mark.parametrize(
    ("activation", "init"), [("sigmoid", "xavier"), ("tanh", "xavier"), ("relu", "he"), ("gelu", "he"), ("mish", "he")]
)
def test_the_matching_initialiser_is_the_customary_one(activation, init):
    assert matching_init(activation) == init


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_network_is_the_textbooks_formula(activation):
    network = build_network(4, [6, 5], 3, activation=activation, dtype=torch.float64)
    initialise(network, "pytorch", seeded())
    values = {name: value.numpy() for name, value in network.state_dict().items()}
    phi = FORMULAS[activation]
    x = np.random.default_rng(0).normal(size=(7, 4))
    first = phi(x @ values["0.weight"].T + values["0.bias"])
    second = phi(first @ values["2.weight"].T + values["2.bias"])
    expected = second @ values["4.weight"].T + values["4.bias"]
    # each formula rounds in its own way
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach(), expected, rtol=1e-11)


def test_without_hidden_layers_the_network_is_one_affine_map():
    network = initialised("pytorch", 4, 3)
    assert {name: tuple(value.shape) for name, value in network.state_dict().items()} == {
        "0.weight": (3, 4),
        "0.bias": (3,),
    }
    x = torch.randn(5, 4, generator=seeded())
    values = network.state_dict()
    torch.testing.assert_close(network(x).detach(), x @ values["0.weight"].T + values["0.bias"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parameters_have_the_asked_type(dtype):
    network = build_network(4, [6], 3, activation="tanh", dtype=dtype)
    assert {parameter.dtype for parameter in network.parameters()} == {dtype}


@pytest.mark.parametrize("init", INITIALISERS)
def test_draws_fill_the_bounds_of_the_initialiser(init):
    layer = initialised(init, FAN_IN, FAN_OUT)[0]
    for parameter, bound in zip((layer.weight, layer.bias), BOUNDS[init], strict=True):
        assert parameter.abs().max() <= bound * (1 + 1e-6)  # float32 rounds the bound
        # The largest of n uniform draws falls below (1 - 10/n) bounds once in e^10 = 22,000 seeds.
        assert parameter.abs().max() >= bound * (1 - 10 / parameter.numel())


@pytest.mark.parametrize("init", [name for name in INITIALISERS if name != "zeros"])
def test_draws_are_uniform(init):
    weights = initialised(init, FAN_IN, FAN_OUT)[0].weight.detach().flatten().numpy()
    bound = BOUNDS[init][0]
    # A fixed seed, so the p value is a fixed number; 1 in 1000 is what a right initialiser would rarely show.
    assert stats.kstest(weights, stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.001


def test_pytorch_is_what_linear_layers_do_by_themselves():
    with torch.random.fork_rng():
        torch.manual_seed(7)
        default = nn.Sequential(nn.Linear(FAN_IN, FAN_OUT), nn.ReLU(), nn.Linear(FAN_OUT, 10))
    ours = initialised("pytorch", FAN_IN, FAN_OUT, 10, seed=7)
    for found, expected in zip(ours.parameters(), default.parameters(), strict=True):
        # The same draws; we scale [-1, 1) where nn.Linear draws from [-bound, bound), a rounding in float32.
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("init", "function"), [("xavier", nn.init.xavier_uniform_), ("he", nn.init.kaiming_uniform_)])
def test_xavier_and_he_are_pytorchs(init, function):
    gain = {"nonlinearity": "relu"} if init == "he" else {}
    expected = function(torch.empty(FAN_OUT, FAN_IN), generator=seeded(), **gain)
    torch.testing.assert_close(initialised(init, FAN_IN, FAN_OUT)[0].weight.detach(), expected, rtol=1e-5, atol=1e-7)


def test_lecuns_weights_have_the_variance_that_makes_a_layer_keep_the_variance_of_its_inputs():
    # `fan_in` independent inputs of variance 1 times weights of variance v sum to variance fan_in * v, here to be 1.
    variance = initialised("lecun", 400, 500)[0].weight.detach().double().var().item()
    # 200,000 uniform draws: their variance has a relative standard error of sqrt(0.8 / 200,000), .2 %; five of them
    assert 400 * variance == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("init", ["xavier", "lecun", "he"])
def test_with_one_seed_every_initialiser_scales_the_same_draws(init):
    pattern, scaled = initialised("pytorch", 20, 40, 10), initialised(init, 20, 40, 10)
    for layer, other in ((pattern[0], scaled[0]), (pattern[2], scaled[2])):
        bound = INITIALISERS[init](layer.in_features, layer.out_features)[0]
        draws = layer.weight * math.sqrt(layer.in_features)
        torch.testing.assert_close(other.weight, draws * bound)


def test_another_seed_gives_other_weights():
    assert not torch.equal(initialised("he", 4, 3, seed=0)[0].weight, initialised("he", 4, 3, seed=1)[0].weight)


def test_nothing_is_drawn_from_the_global_stream():
    before = torch.get_rng_state()
    initialised("pytorch", 20, 40, 10)
    assert torch.equal(torch.get_rng_state(), before)
