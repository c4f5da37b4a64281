"""One pass of images through a network and back: how large the signals are in each hidden layer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.dataset import Dataset, Split
from dlstudy.core.params import ParamsError
from dlstudy.core.randomness import generator
from dlstudy.training.models import ACTIVATIONS, build_network, initialise

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


def first_preactivations(network: nn.Sequential, images: Split) -> Tensor:
    """Of the first hidden layer, (images, width): the same for every activation."""
    with torch.no_grad():
        first: Tensor = network[0](images.features)
    return first


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
