"""Minibatch gradients beside the full one: their means and variances (SGD-1, SGD-2), at w = 0."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

from dlstudy.core.randomness import generator
from dlstudy.experiments.sgd_theory.problem import Problem, Row

Sampling = Literal["without", "with"]
SAMPLINGS: Final[tuple[Sampling, ...]] = ("without", "with")
"""Replacement: a shuffled epoch is drawn without, independent rows are drawn with."""

CHUNK: Final = 20  # epochs at a time: what fits into the processor's cache


def total_variance(gradients: Tensor) -> float:
    """The trace of the covariance of the rows' gradients, s2: their mean squared distance from their mean."""
    return (gradients - gradients.mean(0)).square().sum(1).mean().item()


def predicted_variance(total: float, batch_size: int, num_rows: int, sampling: Sampling) -> float:
    """The trace of the covariance of a minibatch's mean gradient: s2 / B, and less if no row is drawn twice.

    (N - B) / (N - 1) is the correction for a finite population; Cochran, Sampling Techniques, 1977, theorem 2.2.
    """
    correction = (num_rows - batch_size) / (num_rows - 1) if sampling == "without" else 1.0
    return total / batch_size * correction


def epochs_of_rows(num_rows: int, num_epochs: int, sampling: Sampling, stream: torch.Generator) -> Iterator[Tensor]:
    """The rows of many epochs, some epochs at a time: (epochs, rows), permutations or independent draws."""
    for start in range(0, num_epochs, CHUNK):
        size = (min(CHUNK, num_epochs - start), num_rows)
        if sampling == "with":
            yield torch.randint(num_rows, size, generator=stream)
        else:
            yield permutations(*size, stream)


def permutations(num: int, num_rows: int, stream: torch.Generator) -> Tensor:
    """Independent random orders of the rows: (num, rows)."""
    return torch.stack([torch.randperm(num_rows, generator=stream) for _ in range(num)])


def minibatch_means(sums: Tensor, batch_size: int) -> Tensor:
    """The means of each full minibatch of each epoch: (epochs, batches, values).

    `sums`: (epochs, rows, values), the sums of an epoch's gradients, or of other values, up to each row.
    """
    ends = sums[:, batch_size - 1 :: batch_size]
    starts = torch.cat([torch.zeros_like(ends[:, :1]), ends[:, :-1]], 1)
    return (ends - starts) / batch_size


@dataclass
class Tally:
    """Sums over minibatches, of what one seed draws with one batch size."""

    total: Tensor  # (coordinates,), of gradient - full gradient, over the tested minibatches
    squares: Tensor  # (coordinates,), of its square
    distances: float = 0.0  # of the squared distance from the full gradient, over all minibatches
    num_tested: int = 0
    num_all: int = 0

    def add(self, deviations: Tensor, sampling: Sampling) -> None:
        """Count minibatches in; `deviations`: (epochs, batches, coordinates), minibatch gradient - full gradient."""
        # The mean of ALL minibatches of a shuffled epoch is the full gradient whatever the code does: the test of the
        # mean could not fail. So one of each shuffled epoch is tested, and all of the independent ones.
        tested = (deviations[:, :1] if sampling == "without" else deviations).flatten(0, 1)
        self.total += tested.sum(0)
        self.squares += tested.square().sum(0)
        self.distances += deviations.square().sum().item()
        self.num_tested += len(tested)
        self.num_all += deviations.shape[0] * deviations.shape[1]


def tallies(
    gradients: Tensor, batch_sizes: Sequence[int], num_epochs: int, sampling: Sampling, stream: torch.Generator
) -> dict[int, Tally]:
    """What many epochs give for each batch size; the batch sizes share the epochs."""
    zeros = torch.zeros(gradients.shape[1], dtype=gradients.dtype)
    found = {batch_size: Tally(zeros.clone(), zeros.clone()) for batch_size in batch_sizes}
    deviations = gradients - gradients.mean(0)
    for rows in epochs_of_rows(len(gradients), num_epochs, sampling, stream):
        sums = deviations[rows].cumsum(1)
        for batch_size, tally in found.items():
            tally.add(minibatch_means(sums, batch_size), sampling)
    return found


def gradient_rows(
    problem: Problem, batch_sizes: Sequence[int], num_epochs: int, seed: int
) -> tuple[list[Row], list[Row]]:
    """Of one seed: a row a sampling, batch size and coordinate with the mean; a row without coordinate with the spread.

    The last batch size is all rows: without replacement its variance is 0.
    """
    gradients = problem.row_gradients(problem.zeros())
    full, total = gradients.mean(0), total_variance(gradients)
    means: list[Row] = []
    variances: list[Row] = []
    for sampling in SAMPLINGS:
        stream = generator(seed, f"sgd_theory/gradients/{sampling}")
        sizes = [*batch_sizes, problem.num_rows]
        for batch_size, tally in tallies(gradients, sizes, num_epochs, sampling, stream).items():
            key: Row = {"seed": seed, "sampling": sampling, "batch_size": batch_size}
            predicted = predicted_variance(total, batch_size, problem.num_rows, sampling)
            variances.append(key | {"predicted": predicted, "measured": tally.distances / tally.num_all})
            means += [key | row for row in mean_rows(tally, full)] if batch_size < problem.num_rows else []
    return means, variances


def mean_rows(tally: Tally, full: Tensor) -> Iterator[Row]:
    """A row per coordinate: the full gradient; mean and variance of minibatch gradient - full gradient."""
    for coordinate, gradient in enumerate(full.tolist()):
        mean = tally.total[coordinate].item() / tally.num_tested
        variance = tally.squares[coordinate].item() / tally.num_tested - mean**2
        yield {
            "coordinate": coordinate,
            "full": gradient,
            "deviation": mean,
            "variance": variance,
            "num_minibatches": tally.num_tested,
        }
