"""What an activation costs: by itself, and as a part of a training. Times by the clock; another run gives others.

In every round each activation has its turn, one right after the other, and which is first moves on from round to
round: a slow moment of the machine hits all, and what is compared is never more than a round apart. Nothing else should
run meanwhile.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor

from dlstudy.core.base.dataset import Dataset, Split, load_dataset
from dlstudy.core.base.params import ParamsError
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import ACTIVATIONS, cross_entropy
from dlstudy.core.params import ActivationName, SgdParams
from dlstudy.experiments.activation_cost.params import CostParams
from dlstudy.sgd.loop import learning_rates, minibatches, start_run, train_epoch

PARAMS = CostParams
load = partial(load_dataset, Path("data/prepared/images.pt"))

Clock = Callable[[], float]  # seconds since any fixed moment
Work = Callable[[], object]

LR: Final = 0.01  # too small for any of the networks to diverge; no time depends on it


def run(images: Dataset, params: CostParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables kernels and epochs: seconds of every round."""
    return {"kernels": kernel_times(params), "epochs": epoch_times(images, params)}


def in_turn(activations: Sequence[ActivationName], round_: int) -> tuple[ActivationName, ...]:
    """Every activation once; the first of one round is the last of the next."""
    first = round_ % len(activations)
    return (*activations[first:], *activations[:first])


def seconds_a_call(work: Work, num_calls: int, clock: Clock) -> float:
    """The mean over calls that follow one another."""
    start = clock()
    for _ in range(num_calls):
        work()
    return (clock() - start) / num_calls


# --- An activation by itself ---


def forward(activation: str, values: Tensor) -> Work:
    """The activation of every value, into a new tensor, as in a network that only predicts."""
    module = ACTIVATIONS[activation]()

    @torch.no_grad()
    def work() -> object:
        return module(values)

    return work


def forward_backward(activation: str, values: Tensor, gradient: Tensor) -> Work:
    """The activation, and by autograd the gradient by what it took in, as in a step of training."""
    module = ACTIVATIONS[activation]()
    inputs = values.detach().requires_grad_()

    def work() -> Tensor:
        return torch.autograd.grad(module(inputs), inputs, gradient)[0]

    return work


def kernel_times(params: CostParams, clock: Clock = time.perf_counter) -> pd.DataFrame:
    """Microseconds a call: one row a round, side of the tensor, part (forward, forward_backward) and activation.

    The first round warms up and is left out.
    """
    rows = []
    for side in params.sides:
        num_calls = max(1, params.num_values // side**2)
        parts = kernel_parts(params, side)
        for round_ in range(params.num_rounds + 1):
            for part, by_activation in parts.items():
                for activation in in_turn(params.activations, round_):
                    micro = 1e6 * seconds_a_call(by_activation[activation], num_calls, clock)
                    cell = {"round": round_, "side": side, "part": part, "activation": activation}
                    rows.append(cell | {"microseconds": micro})
    return pd.DataFrame([row for row in rows if row["round"] != 0])


def kernel_parts(params: CostParams, side: int) -> dict[str, dict[str, Work]]:
    """What is timed on square tensors of standard normal values, all activations on the same ones."""
    stream = generator(params.seed, f"activation_cost {side}")
    values, gradient = (torch.randn(side, side, generator=stream) for _ in range(2))
    return {
        "forward": {name: forward(name, values) for name in params.activations},
        "forward_backward": {name: forward_backward(name, values, gradient) for name in params.activations},
    }


# --- An activation in a training ---


def name_of(widths: Sequence[int]) -> str:
    """The hidden layers of a network in short: "128", "8 x 128" or "128-64"."""
    if len(widths) > 1 and len(set(widths)) == 1:
        return f"{len(widths)} x {widths[0]}"
    return "-".join(map(str, widths))


def epoch(
    dataset: Dataset, images: Split, params: CostParams, widths: tuple[int, ...], activation: ActivationName
) -> Work:
    """A pass over the images by the study's own training loop, from weights that are drawn before the clock starts."""
    model = SgdParams(
        method="sgd",
        data="images",
        hidden=widths,
        activation=activation,
        init="pytorch",
        lr=LR,
        batch_size=params.batch_size,
        num_epochs=1,
    )
    network, order = start_run(dataset, model, params.seed)
    batches = minibatches(len(images), params.batch_size, order)
    rates = learning_rates(LR, math.ceil(len(images) / params.batch_size))
    return lambda: train_epoch(network, images, cross_entropy, batches, rates)


def first_images(dataset: Dataset, num: int) -> Split:
    """The first images of the standardised training split; ParamsError where there are fewer."""
    if num > len(dataset.train):
        raise ParamsError(
            f"experiments.activation_cost.num_images: expected at most {len(dataset.train)}, the training split, "
            f"found {num}"
        )
    whole = dataset.standardised(dataset.train)
    return Split(whole.features[:num], whole.targets[:num])


def epoch_times(dataset: Dataset, params: CostParams, clock: Clock = time.perf_counter) -> pd.DataFrame:
    """Seconds an epoch: one row a round, network and activation. The first round warms up and is left out."""
    images = first_images(dataset, params.num_images)
    rows = []
    for round_ in range(params.num_epoch_rounds + 1):
        for widths in params.networks:
            for activation in in_turn(params.activations, round_):
                seconds = seconds_a_call(epoch(dataset, images, params, widths, activation), 1, clock)
                cell = {"round": round_, "network": name_of(widths), "num_hidden": len(widths)}
                rows.append(cell | {"activation": activation, "seconds": seconds})
    return pd.DataFrame([row for row in rows if row["round"] != 0])
