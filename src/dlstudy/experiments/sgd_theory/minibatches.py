"""Minibatch gradients beside the full one (SGD-1, SGD-2), and where constant steps stop improving (SGD-5 to SGD-7).

Descents run side by side, in the eigenbasis of the Hessian and with u = w - optimum for the parameters: a minibatch of
rows x with errors e at the optimum has the gradient mean(x x') u + mean(x e), and the loss of all rows is
sum(lambda_i u_i^2) / 2 above its minimum.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final, Literal

import torch
from torch import Generator, Tensor

from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.randomness import generator
from dlstudy.experiments.sgd_theory.descent import Problem, Row

REMAINDER: Final = 1e-3  # share of the floor that may be missing when the measurement starts

Sampling = Literal["without", "with"]
SAMPLINGS: Final[tuple[Sampling, ...]] = ("without", "with")  # replacement: shuffled epochs, independent rows
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


def epochs_of_rows(num_rows: int, num_epochs: int, sampling: Sampling, stream: Generator) -> Iterator[Tensor]:
    """The rows of many epochs, some epochs at a time: (epochs, rows), permutations or independent draws."""
    for start in range(0, num_epochs, CHUNK):
        size = (min(CHUNK, num_epochs - start), num_rows)
        if sampling == "with":
            yield torch.randint(num_rows, size, generator=stream)
        else:
            yield permutations(*size, stream)


def permutations(num: int, num_rows: int, stream: Generator) -> Tensor:
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
    gradients: Tensor, batch_sizes: Sequence[int], num_epochs: int, sampling: Sampling, stream: Generator
) -> dict[int, Tally]:
    """What many epochs give for each batch size; the batch sizes share the epochs."""
    found = {size: Tally(*torch.zeros(2, gradients.shape[1], dtype=gradients.dtype)) for size in batch_sizes}
    deviations = gradients - gradients.mean(0)
    for rows in epochs_of_rows(len(gradients), num_epochs, sampling, stream):
        sums = deviations[rows].cumsum(1)
        for batch_size, tally in found.items():
            tally.add(minibatch_means(sums, batch_size), sampling)
    return found


def gradient_rows(problem: Problem, batch_sizes: Sequence[int], num_epochs: int, seed: int) -> tuple[list[Row], ...]:
    """Of one seed, a row a sampling, batch size and coordinate: the full gradient, mean and variance of what is off it.

    And a row without coordinate, with the spread: also of all rows, whose variance is 0 without replacement.
    """
    gradients = problem.row_gradients(problem.zeros())
    full, total = gradients.mean(0), total_variance(gradients)
    means: list[Row] = []
    variances: list[Row] = []
    sizes = [*batch_sizes, problem.num_rows]
    for sampling in SAMPLINGS:
        stream = generator(seed, f"sgd_theory/gradients/{sampling}")
        for batch_size, tally in tallies(gradients, sizes, num_epochs, sampling, stream).items():
            key: Row = {"seed": seed, "sampling": sampling, "batch_size": batch_size}
            predicted = predicted_variance(total, batch_size, problem.num_rows, sampling)
            variances.append(key | {"predicted": predicted, "measured": tally.distances / tally.num_all})
            num = tally.num_tested
            for coordinate, gradient in enumerate(full.tolist() if batch_size < problem.num_rows else ()):
                mean = tally.total[coordinate].item() / num
                variance = tally.squares[coordinate].item() / num - mean**2
                place = key | {"coordinate": coordinate, "full": gradient}
                means.append(place | {"deviation": mean, "variance": variance, "num_minibatches": num})
    return means, variances


# --- The floor by theory ---


@dataclass(frozen=True)
class Noise:
    """What theory needs of a problem; c coordinates, in the eigenbasis of the Hessian.

    rows: (rows, c), errors: (rows,), x w - y at the optimum; eigenvalues: (c,).
    """

    rows: Tensor
    errors: Tensor
    eigenvalues: Tensor

    @classmethod
    def of(cls, problem: Problem) -> "Noise":
        rotated = problem.rotated
        return cls(rotated.X, rotated.X @ rotated.optimum - rotated.y, problem.spectrum[0])

    @property
    def num_rows(self) -> int:
        return len(self.rows)

    @cached_property
    def covariance(self) -> Tensor:
        """E[e^2 x x'], the covariance of a row's gradient at the optimum; (c, c)."""
        gradients = self.rows * self.errors.unsqueeze(1)
        return gradients.T @ gradients / self.num_rows

    @cached_property
    def fourth_moments(self) -> Tensor:
        """E[x x' S x x'] as a matrix on the entries of S; (c^2, c^2)."""
        pairs = (self.rows.unsqueeze(2) * self.rows.unsqueeze(1)).flatten(1)  # (rows, c^2)
        num = len(self.eigenvalues)
        moments = (pairs.T @ pairs / self.num_rows).reshape(num, num, num, num)  # of x_i x_j x_k x_l
        # (x x' S x x')_il = sum over j, k of x_i x_j S_jk x_k x_l
        return moments.permute(0, 3, 1, 2).reshape(num**2, num**2)

    @cached_property
    def moments(self) -> Tensor:
        """For each row the entries of x x', then x e; (rows, c^2 + c). A minibatch's mean of them settles its step."""
        pairs = (self.rows.unsqueeze(2) * self.rows.unsqueeze(1)).flatten(1)
        return torch.cat([pairs, self.rows * self.errors.unsqueeze(1)], 1)


def simple_floor(noise: Noise, lr: float, batch_size: int) -> float:
    """1/2 sum of lr c_i / (B (2 - lr lambda_i)), c_i the diagonal of E[e^2 x x'].

    The floor if the gradient's noise were everywhere that at the optimum: then u_i <- (1 - lr lambda_i) u_i + noise of
    variance lr^2 c_i / B, whose stationary variance is lr c_i / (B lambda_i (2 - lr lambda_i)). Mandt, Hoffman and
    Blei, Journal of Machine Learning Research 18, 2017, have it in the limit of a small lr.
    """
    terms = lr * noise.covariance.diagonal() / (batch_size * (2 - lr * noise.eigenvalues))
    return terms.sum().item() / 2


def exact_floor(noise: Noise, lr: float, batch_size: int) -> float:
    """The floor with the noise that the distance u from the optimum adds.

    The stationary covariance S = E[u u'] of u <- (I - lr H_B) u - lr g_B, with H_B = mean of x x' and g_B = mean of
    x e over B independent rows, solves
        S = S - lr (H S + S H) + lr^2 ((1 - 1/B) H S H + E[x x' S x x'] / B) + lr^2 E[e^2 x x'] / B,
    a linear system in its c^2 entries; u and the minibatch being independent and E[u] = 0, no mixed term is left.
    StudyError if there is no such S: the descents then go off, however long the average stays.
    """
    H, I = torch.diag(noise.eigenvalues), torch.eye(len(noise.eigenvalues), dtype=torch.float64)  # noqa: E741
    quadratic = (1 - 1 / batch_size) * torch.kron(H, H) + noise.fourth_moments / batch_size
    change = lr * (torch.kron(H, I) + torch.kron(I, H)) - lr**2 * quadratic  # of S a step, less the noise
    if torch.linalg.eigvals(change).real.min() <= 0:
        raise StudyError(
            "params.yaml, experiments.sgd_theory.floor_learning_rates: expected rates at which SGD with minibatches "
            f"of {batch_size} settles, found {lr:g}"
        )
    S = torch.linalg.solve(change, lr**2 * noise.covariance.flatten() / batch_size).reshape(H.shape)
    return float((noise.eigenvalues * S.diagonal()).sum()) / 2


def reshuffled_ratio(noise: Noise, lr: float, batch_size: int) -> float:
    """Floor at the ends of reshuffled epochs / floor at the ends of epochs of independent draws, by theory.

    With the noise of the optimum throughout. The k-th of T steps of an epoch counts a_k = lr (1 - lr lambda)^(T - k)
    in the parameters at its end. Independent minibatches give the variance (c / B) sum a_k^2; those that share out
    an epoch's rows c / (N - 1) (N / B sum a_k^2 - (sum a_k)^2): the noises of an epoch nearly cancel.
    """
    num_steps = noise.num_rows // batch_size
    left = torch.arange(num_steps - 1, -1, -1, dtype=torch.float64)
    counts = lr * (1 - lr * noise.eigenvalues.unsqueeze(1)) ** left  # (c, steps)
    squares, square = counts.square().sum(1), counts.sum(1).square()
    kept = 1 - (1 - lr * noise.eigenvalues) ** (2 * num_steps)
    weights = noise.eigenvalues * noise.covariance.diagonal() / kept
    independent = (weights * squares / batch_size).sum()
    shared_out = (weights * (noise.num_rows / batch_size * squares - square)).sum() / (noise.num_rows - 1)
    return (shared_out / independent).item()


def num_steps_down(noise: Noise, rates: Sequence[float]) -> int:
    """How many steps a descent that starts at the optimum takes to come up to its floor but for REMAINDER.

    What is missing of the variance shrinks by (1 - lr lambda)^2 a step; the slowest direction and rate decide. That is
    a flat direction at the smallest rate, or the most curved one at a rate so large that it overshoots.
    """
    slowest = max((1 - lr * noise.eigenvalues).abs().max().item() for lr in rates)
    return math.ceil(math.log(REMAINDER) / (2 * math.log(slowest)))


# --- The floor by measurement ---


@dataclass(frozen=True)
class Grid:
    """Learning rates x batch sizes, and how many chains (descents side by side) each cell has."""

    rates: tuple[float, ...]
    batch_sizes: tuple[int, ...]
    num_chains: int

    def rows(self, seed: int, **columns: Callable[[float, int], float] | Tensor) -> list[Row]:
        """A row per cell: columns are functions of learning rate and batch size, or cells of (rates, batch sizes)."""
        rows: list[Row] = []
        for (i, lr), (j, batch_size) in product(enumerate(self.rates), enumerate(self.batch_sizes)):
            row: Row = {"seed": seed, "learning_rate": lr, "batch_size": batch_size}
            for name, found in columns.items():
                row[name] = found[i, j].item() if isinstance(found, Tensor) else found(lr, batch_size)
            rows.append(row)
        return rows


def step(u: Tensor, moments: Tensor, rates: Tensor) -> Tensor:
    """The next u: u - lr (mean(x x') u + mean(x e)).

    u: (rates, ..., c), moments of the minibatches: (..., c^2 + c), rates: (rates, 1, ..., 1).
    """
    num = u.shape[-1]
    pairs = moments[..., : num**2].unflatten(-1, (num, num))
    gradients: Tensor = (pairs * u.unsqueeze(-2)).sum(-1) + moments[..., num**2 :]
    return u - rates * gradients


def independent_steps(noise: Noise, grid: Grid, start: Tensor, num_steps: int, stream: Generator) -> Iterator[Tensor]:
    """The u after each step with independent draws: (rates, batch sizes, chains, c).

    A chain draws as many rows as the largest minibatch has; smaller ones are the first of them, and all learning rates
    see the same. Cells so share their luck, while chains, steps and seeds do not.
    """
    rates = torch.tensor(grid.rates, dtype=torch.float64).reshape(-1, 1, 1, 1)
    size = (grid.num_chains, max(grid.batch_sizes))
    u = start.expand(len(grid.rates), len(grid.batch_sizes), grid.num_chains, -1)
    for _ in range(num_steps):
        drawn = noise.moments[torch.randint(noise.num_rows, size, generator=stream)]  # (chains, rows, moments)
        u = step(u, torch.stack([drawn[:, :size].mean(1) for size in grid.batch_sizes]), rates)
        yield u


def excess(noise: Noise, u: Tensor) -> Tensor:
    """By how much the loss of all rows is above its minimum: (..., c) -> (...)."""
    return (u.square() @ noise.eigenvalues) / 2


def independent_floors(noise: Noise, grid: Grid, num_steps: int, seed: int) -> Tensor:
    """The mean excess over chains and steps, (rates, batch sizes); chains start at the optimum and first come up."""
    stream = generator(seed, "sgd_theory/independent")
    first = num_steps_down(noise, grid.rates)
    start = torch.zeros_like(noise.eigenvalues)
    squares = torch.zeros(len(grid.rates), len(grid.batch_sizes), len(start), dtype=torch.float64)
    for number, u in enumerate(independent_steps(noise, grid, start, first + num_steps, stream)):
        if number >= first:
            squares += u.square().mean(2)
    return (squares @ noise.eigenvalues) / (2 * num_steps)


def reshuffled_floors(noise: Noise, grid: Grid, num_epochs: int, seed: int) -> Tensor:
    """The mean excess at the ends of reshuffled epochs, (rates, batch sizes).

    An epoch has full minibatches only (drop_last), so that all are of one size, as with independent draws.
    """
    stream = generator(seed, "sgd_theory/reshuffled")
    rates = torch.tensor(grid.rates, dtype=torch.float64).reshape(-1, 1, 1)
    start = torch.zeros(len(rates), grid.num_chains, len(noise.eigenvalues), dtype=torch.float64)
    places, floors = dict.fromkeys(grid.batch_sizes, start), torch.zeros(len(rates), len(grid.batch_sizes))
    steps_down = num_steps_down(noise, grid.rates)
    epochs_down = {size: math.ceil(steps_down / (noise.num_rows // size)) for size in grid.batch_sizes}
    for epoch in range(-max(epochs_down.values()), num_epochs):  # the measurement starts at 0
        sums = noise.moments[permutations(grid.num_chains, noise.num_rows, stream)].cumsum(1)  # (chains, rows, moments)
        for size in (size for size in grid.batch_sizes if epoch >= -epochs_down[size]):
            for batch in minibatch_means(sums, size).unbind(1):
                places[size] = step(places[size], batch, rates)
        if epoch >= 0:
            floors = floors + torch.stack([excess(noise, u).mean(1) for u in places.values()], 1)
    return floors / num_epochs


def first_step_rows(noise: Noise, grid: Grid, start: Tensor, num_steps: int, seed: int) -> list[Row]:
    """Per cell: the share of steps that lower the loss of all rows, in descents from `start`; in each half too."""
    stream = generator(seed, "sgd_theory/first steps")
    steps = independent_steps(noise, grid, start, num_steps, stream)
    shape = len(grid.rates), len(grid.batch_sizes), grid.num_chains
    above = torch.stack([excess(noise, start).expand(shape), *(excess(noise, u) for u in steps)])
    lowers = (above[1:] < above[:-1]).double().mean(3)  # (steps, rates, batch sizes), of the chains
    first, second = lowers.tensor_split(2)
    return grid.rows(seed, share=lowers.mean(0), first_half=first.mean(0), second_half=second.mean(0))


def full_batch_rows(noise: Noise, rates: Sequence[float], start: Tensor, num_steps: int) -> list[Row]:
    """A row per learning rate: the same share for descents that take all rows in every step."""
    found: list[Row] = []
    for lr in rates:
        steps = torch.arange(num_steps + 1).unsqueeze(1)
        above = excess(noise, start * (1 - lr * noise.eigenvalues) ** steps)
        share = (above[1:] < above[:-1]).double().mean().item()
        found.append({"learning_rate": lr, "batch_size": noise.num_rows, "share": share})
    return found
