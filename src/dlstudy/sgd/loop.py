"""Minibatch stochastic gradient descent: the one training loop of the study."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from dlstudy.core.base.dataset import Dataset, Split
from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.params import ParamsError
from dlstudy.core.base.randomness import generator
from dlstudy.core.execution import map_runs
from dlstudy.core.networks import (
    LOSSES,
    USUAL_LOSS,
    Epoch,
    Loss,
    Run,
    Scores,
    build_network,
    initialise,
    num_correct,
    scores,
)
from dlstudy.core.params import SgdParams


def minibatches(num_examples: int, batch_size: int, stream: torch.Generator) -> Iterator[Tensor]:
    """The rows of each minibatch of an epoch: every row once, in random order; the last batch may be short."""
    yield from torch.randperm(num_examples, generator=stream).split(batch_size)


def learning_rates(first: float, num_steps: int) -> Iterator[float]:
    """The learning rate of each step: falls linearly from `first` and would reach 0 after the last."""
    return (first * (1 - step / num_steps) for step in range(num_steps))


@torch.no_grad()
def sgd_step(parameters: Sequence[Tensor], gradients: Sequence[Tensor], lr: float) -> None:
    """W <- w - lr * gradient of the mean loss, in place."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.add_(gradient, alpha=-lr)


def train_epoch(
    network: nn.Module, split: Split, loss: Loss, batches: Iterator[Tensor], rates: Iterator[float]
) -> Scores:
    """One pass over a standardised split; the mean scores of its minibatches, each taken just before its step."""
    parameters = list(network.parameters())
    total_loss = torch.zeros((), dtype=torch.float64)
    total_correct = torch.zeros((), dtype=torch.int64)
    for rows, lr in zip(batches, rates, strict=False):
        targets = split.targets.index_select(0, rows)
        outputs = network(split.features.index_select(0, rows))
        mean_loss = loss(outputs, targets)
        sgd_step(parameters, torch.autograd.grad(mean_loss, parameters), lr)
        total_loss += mean_loss.detach() * len(rows)
        total_correct += num_correct(outputs, targets)
    return Scores(total_loss.item() / len(split), total_correct.item() / len(split))


def start_run(dataset: Dataset, params: SgdParams, seed: int) -> tuple[nn.Sequential, torch.Generator]:
    """The network before its first step, and the stream that orders its minibatches: all that a seed settles."""
    network = build_network(
        dataset.num_features, params.hidden, dataset.num_outputs, activation=params.activation, dtype=dataset.dtype
    )
    initialise(network, params.init, generator(seed, "weights"))
    return network, generator(seed, "minibatches")


def train_run(dataset: Dataset, params: SgdParams, seed: int) -> Run:
    """A network trained with one seed; its history has an entry an epoch, and one before the first.

    Raises DivergedError when the loss stops being finite. The test split is not looked at.
    """
    train, validation = dataset.standardised(dataset.train), dataset.standardised(dataset.validation)
    network, order = start_run(dataset, params, seed)
    rates = learning_rates(params.lr, params.num_epochs * math.ceil(len(train) / params.batch_size))
    loss = LOSSES[params.loss or USUAL_LOSS[dataset.task]]
    history = [Epoch(0, scores(network, train, loss), scores(network, validation, loss))]
    for epoch in range(1, params.num_epochs + 1):
        batches = minibatches(len(train), params.batch_size, order)
        of_train = train_epoch(network, train, loss, batches, rates)
        of_validation = scores(network, validation, loss)
        if not math.isfinite(of_train.loss + of_validation.loss):
            raise DivergedError(
                f"seed {seed} diverged in epoch {epoch} of {params.num_epochs}: expected a finite loss, found "
                f"{of_train.loss} (training), {of_validation.loss} (validation); with lr {params.lr}, try a smaller one"
            )
        history.append(Epoch(epoch, of_train, of_validation))
    return Run(seed, dict(network.state_dict()), tuple(history))


def train_seeds(dataset: Dataset, params: SgdParams, seeds: Sequence[int], *, label: str) -> list[Run]:
    """A run for each seed, in their order, spread over processes; ParamsError when a minibatch cannot be filled."""
    if params.batch_size > len(dataset.train):
        raise ParamsError(
            f"train.{label}.batch_size: expected at most {len(dataset.train)}, the training split, "
            f"found {params.batch_size}"
        )
    try:
        return map_runs(train_run, seeds, label=label, shared=(dataset, params))
    except DivergedError as error:
        raise DivergedError(f"train.{label}: {error}") from None
