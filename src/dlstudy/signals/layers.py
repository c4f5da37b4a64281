"""Signals of a network's hidden layers, forwards and backwards: measured in passes, predicted by mean-field theory.

The theory is of a network as initialised whose layers are very wide. There, the pre-activations of a layer are
independent normal numbers of mean 0, the units' randomness being that of the weights. One image x then needs one number
a layer, the variance q of its pre-activations:

    q_1 = s_1 |x|^2 / pixels + b_1,    q_{l+1} = s_{l+1} E[phi(sqrt(q_l) z)^2] + b_{l+1},    z standard normal,

with s = fan_in * (variance of a weight) and b = variance of a bias (Poole et al., NeurIPS 2016). The backward signal
delta_l, the derivative of the image's loss by the pre-activations of layer l, has in the same limit the mean square

    E[delta_l^2] = chi_l E[delta_{l+1}^2],    chi_l = fan_out * (variance of a weight of l+1) * E[phi'(sqrt(q_l) z)^2]

(Schoenholz et al., ICLR 2017; for ReLU He et al., ICCV 2015), taking the weights on the way back for independent of
those on the way forth. Only the variance of a weight appears: to leading order in 1 / width, uniform weights behave as
normal ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.base.dataset import Dataset, Split
from dlstudy.core.base.params import ParamsError
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import ACTIVATIONS, INITIALISERS, build_network, initialise

DIGITS: Final = 6  # of the tables by layer, which are for figures


@dataclass(frozen=True)
class Signals:
    """The rms of each hidden layer, (layers,): before and after the activation, and of delta."""

    preactivation: Tensor
    output: Tensor
    backward: Tensor


@dataclass(frozen=True)
class Pass:
    """One pass of images through a network and back; a tensor a hidden layer."""

    inputs: list[Tensor]  # (images, fan_in)
    preactivations: list[Tensor]  # (images, width)
    outputs: list[Tensor]  # (images, width), of the activation
    deltas: list[Tensor]  # (images, width)
    loss: float  # mean of the images


def observed_images(dataset: Dataset, num_images: int) -> Split:
    """The first images of the training split, standardised, float64; ParamsError if there are fewer."""
    if num_images > len(dataset.train):
        raise ParamsError(
            "experiments.signal_propagation.num_images: expected at most "
            f"{len(dataset.train)}, the training split, found {num_images}"
        )
    standardised = dataset.standardised(dataset.train.first(num_images))
    return Split(standardised.features.double(), standardised.targets)


def drawn_network(
    widths: Sequence[int], activation: str, init: str, small_std: float, seed: int, dtype: torch.dtype
) -> nn.Sequential:
    """A network as the seed initialises it; its parameters are none yet that want gradients.

    `small_normal` is an initialiser of these signals alone; all others are as everywhere in the study.
    """
    network = build_network(widths[0], widths[1:-1], widths[-1], activation=activation, dtype=dtype)
    network.requires_grad_(False)
    stream = generator(seed, "weights")
    if init != "small_normal":
        initialise(network, init, stream)
    else:
        for layer in network:
            if isinstance(layer, nn.Linear):
                layer.weight.normal_(0, small_std, generator=stream)
                layer.bias.zero_()
    return network


def with_activation(network: nn.Sequential, activation: str) -> nn.Sequential:
    """The very same linear layers with another activation between them."""
    layers = (layer if isinstance(layer, nn.Linear) else ACTIVATIONS[activation]() for layer in network)
    return nn.Sequential(*layers)


def pass_through(network: nn.Sequential, images: Split, first: Tensor) -> Pass:
    """Forwards from the first pre-activations, and backwards from the sum of the images' cross-entropies.

    From the sum, so that each image has the delta of its own loss.
    """
    signal = first.detach().requires_grad_()
    inputs, preactivations, outputs = [images.features], [signal], []
    for layer in network[1:-1]:
        if isinstance(layer, nn.Linear):
            inputs.append(signal)
            signal = layer(signal)
            preactivations.append(signal)
        else:
            signal = layer(signal)
            outputs.append(signal)
    loss = F.cross_entropy(network[-1](signal), images.targets, reduction="sum")
    deltas = torch.autograd.grad(loss, preactivations)
    return Pass(inputs, preactivations, outputs, list(deltas), loss.item() / len(images))


def rms(values: Sequence[Tensor]) -> Tensor:
    """The root mean square of each of several tensors; (layers,)."""
    return torch.stack([torch.linalg.vector_norm(each.detach()) / math.sqrt(each.numel()) for each in values])


def signals(found: Pass) -> Signals:
    return Signals(rms(found.preactivations), rms(found.outputs), rms(found.deltas))


def weight_gradients(found: Pass) -> Tensor:
    """The length (Frobenius norm) of the mean loss's gradient by the weights of each hidden layer; (layers,)."""
    pairs = zip(found.deltas, found.inputs, strict=True)
    return torch.stack([(delta.T @ inputs.detach()).norm() / len(inputs) for delta, inputs in pairs])


def dead_shares(found: Pass) -> Tensor:
    """The share of each hidden layer's units whose pre-activation is above 0 for no image; (layers,)."""
    return torch.stack([(values.detach() <= 0).all(0).double().mean() for values in found.preactivations])


def mean_ratio(values: Tensor) -> float:
    """The factor from a hidden layer to the next, in the geometric mean from the second to the last but one.

    The first is left out because its inputs are pixels, the last because its delta comes straight from the outputs.
    """
    return float((values[-2] / values[1]) ** (1 / (len(values) - 3)))


def backward_ratio(found: Signals) -> float:
    """The same for the backward signal, which travels from the last layer to the first."""
    return 1 / mean_ratio(found.backward)


def widths_of(dataset: Dataset, width: int, depth: int) -> list[int]:
    return [dataset.num_features, *[width] * depth, dataset.num_outputs]


def shortened(value: Tensor) -> float:
    return float(f"{value.item():.{DIGITS}g}")


# --- Mean-field theory ---

NUM_NODES: Final = 100  # of Gauss-Legendre quadrature, on each half-line
REACH: Final = 12.0  # standard deviations; beyond, a normal density is below 1e-31


@dataclass(frozen=True)
class Variances:
    """Of the weights and biases of one layer of shape (fan_out, fan_in)."""

    fan_in: int
    fan_out: int
    weight: float
    bias: float


def variances(init: str, fan_in: int, fan_out: int, small_std: float) -> Variances:
    """Those of an initialiser; a uniform distribution on [-a, a] has the variance a^2 / 3."""
    if init == "small_normal":
        return Variances(fan_in, fan_out, small_std**2, 0.0)
    weight, bias = (bound**2 / 3 for bound in INITIALISERS[init](fan_in, fan_out))
    return Variances(fan_in, fan_out, weight, bias)


def layer_variances(init: str, widths: Sequence[int], small_std: float) -> list[Variances]:
    """Of every layer of a network: widths of inputs, hidden layers and outputs."""
    return [variances(init, fan_in, fan_out, small_std) for fan_in, fan_out in pairwise(widths)]


@cache
def normal_nodes() -> tuple[Tensor, Tensor]:
    """Nodes z and weights of E[f(z)] for a standard normal z; each (2 * NUM_NODES,).

    Each half-line has its own quadrature, so that a kink at 0, as ReLU's, falls between the two and costs nothing.
    """
    nodes, weights = np.polynomial.legendre.leggauss(NUM_NODES)  # on [-1, 1]
    half = torch.from_numpy((nodes + 1) / 2 * REACH)
    z = torch.cat([-half.flip(0), half])
    scale = torch.from_numpy(weights / 2 * REACH)
    density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    return z, torch.cat([scale.flip(0), scale]) * density


def second_moments(activation: str, q: Tensor) -> tuple[Tensor, Tensor]:
    """E[phi(sqrt(q) z)^2] and E[phi'(sqrt(q) z)^2]; (images,) -> (images,) each. The slope is PyTorch's own."""
    z, weights = normal_nodes()
    inputs = (q.sqrt().unsqueeze(1) * z).requires_grad_()  # (images, nodes)
    outputs = ACTIVATIONS[activation]()(inputs)
    (slopes,) = torch.autograd.grad(outputs.sum(), inputs)
    return outputs.detach().square() @ weights, slopes.square() @ weights


@dataclass(frozen=True)
class MeanField:
    """Mean squares over the units of each hidden layer, (layers, images), and chi of all hidden layers but the last."""

    preactivation: Tensor
    output: Tensor  # of the activation
    backward: Tensor
    chi: Tensor  # (layers - 1, images)


def mean_field(activation: str, layers: Sequence[Variances], input_squares: Tensor, num_classes: int) -> MeanField:
    """Theory for images whose mean square over the pixels is given, (images,).

    The outputs are taken to guess all classes alike, as small outputs do: then the squares of the derivatives of the
    cross-entropy by the outputs sum to (1 - 1/K)^2 + (K - 1) / K^2 = 1 - 1/K.
    """
    signal, preactivations, outputs, slopes = input_squares, [], [], []
    for layer in layers[:-1]:
        preactivations.append(layer.fan_in * layer.weight * signal + layer.bias)
        signal, slope = second_moments(activation, preactivations[-1])
        outputs.append(signal)
        slopes.append(slope)
    chi = [layer.fan_out * layer.weight * slope for layer, slope in zip(layers[1:-1], slopes[:-1], strict=True)]
    backward = [layers[-1].weight * (1 - 1 / num_classes) * slopes[-1]]
    for factor in reversed(chi):
        backward.insert(0, factor * backward[0])
    return MeanField(*(torch.stack(values) for values in (preactivations, outputs, backward, chi)))
