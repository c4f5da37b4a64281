"""Networks of fully connected layers, and the registries of activations and initialisers to build them from."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import nn
from torch.nn.utils import skip_init

from dlstudy.training.params import ACTIVATION_CLASSES

ACTIVATIONS: Final[dict[str, type[nn.Module]]] = {name: getattr(nn, kind) for name, kind in ACTIVATION_CLASSES.items()}

XAVIER_SUITS: Final = frozenset(
    {"identity", "sigmoid", "tanh", "hardsigmoid", "hardtanh", "softsign", "tanhshrink", "log_sigmoid"}
)
"""Activations for which Xavier's initialisation is the customary one; for all others, akin to ReLU, it is He's."""

INITIALISERS: Final[dict[str, Callable[[int, int], tuple[float, float]]]] = {
    "zeros": lambda fan_in, fan_out: (0.0, 0.0),
    "pytorch": lambda fan_in, fan_out: (1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in)),
    "xavier": lambda fan_in, fan_out: (math.sqrt(6 / (fan_in + fan_out)), 0.0),
    "lecun": lambda fan_in, fan_out: (math.sqrt(3 / fan_in), 0.0),
    "he": lambda fan_in, fan_out: (math.sqrt(6 / fan_in), 0.0),
    "xavier4": lambda fan_in, fan_out: (4 * math.sqrt(6 / (fan_in + fan_out)), 0.0),
}
"""From (fan_in, fan_out) to the bounds of the uniform distributions of weights and of biases.

`pytorch` is what nn.Linear does by itself; `xavier` is Glorot and Bengio (2010), `he` is He et al. (2015). `lecun` has
the variance of LeCun et al. (1998), 1 / fan_in, which Flax gives its layers by default, from a normal distribution.
`xavier4` is Xavier's times 4, which makes up for the slope of sigmoid at 0, 1/4.
"""


def matching_init(activation: str) -> str:
    """The initialiser customary with it: Xavier's (Glorot & Bengio, 2010) or He's (He et al., 2015)."""
    return "xavier" if activation in XAVIER_SUITS else "he"


def build_network(
    num_inputs: int,
    hidden: Sequence[int],
    num_outputs: int,
    *,
    activation: str | None,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Linear layers with the activation between them, none after the last; parameters not yet initialised.

    (batch, num_inputs) -> (batch, num_outputs). Without hidden layers it is a linear model.
    """
    widths = [num_inputs, *hidden, num_outputs]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        if layers and activation is not None:
            layers.append(ACTIVATIONS[activation]())
        layers.append(skip_init(nn.Linear, fan_in, fan_out, dtype=dtype))
    return nn.Sequential(*layers)


@torch.no_grad()
def initialise(network: nn.Module, init: str, generator: torch.Generator) -> None:
    """Draw the parameters of every linear layer, in place.

    Every initialiser scales the same base draws, uniform on [-1, 1): with one seed, variants start from one pattern.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            bounds = INITIALISERS[init](layer.in_features, layer.out_features)
            for parameter, bound in zip((layer.weight, layer.bias), bounds, strict=True):
                parameter.uniform_(-1, 1, generator=generator).mul_(bound)
