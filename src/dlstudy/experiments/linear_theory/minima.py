"""Where the descents of a perceptron end: minima, their distances, and the curvature on the way."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import pandas as pd
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from dlstudy.experiments.linear_theory.perceptron import Descent, Perceptron

MAX_NEWTON_STEPS: Final = 500
ARRIVED: Final = 1e-10
"""The norm of the gradient where Newton's method stops."""


def minimise(problem: Perceptron, theta: Tensor) -> tuple[Tensor, int]:
    """A stationary point below theta, by Newton's method, and its number of steps.

    Along each eigenvector of the Hessian the step is -gradient / (|eigenvalue| + shift), downhill even where the
    curvature is negative; the shift shrinks after a step that lowers the loss, and grows until one does (Nocedal and
    Wright, Numerical Optimization, 2006, section 3.4). It ends where the gradient is all but 0 or no step helps.
    """
    shift, loss = 1e-3, problem.loss(theta)
    for step in range(MAX_NEWTON_STEPS):
        gradient = problem.gradient(theta)
        if gradient.norm() < ARRIVED:
            return theta, step
        values, vectors = torch.linalg.eigh(problem.hessian(theta))
        slopes = vectors.T @ gradient
        for _ in range(50):
            tried = theta - vectors @ (slopes / (values.abs() + shift))
            if (lower := problem.loss(tried)) < loss:
                theta, loss, shift = tried, lower, shift / 3
                break
            shift *= 4
        else:
            return theta, step
    return theta, MAX_NEWTON_STEPS


def same_function(problem: Perceptron, theta: Tensor) -> Tensor:
    """Another theta of the same network: hidden units in reverse order, every other one with its signs changed."""
    signs = torch.ones(problem.num_units, 1, dtype=theta.dtype)
    signs[::2] = -1  # tanh is odd: -v tanh(-z) = v tanh(z)
    return torch.cat([(signs * problem.units(theta)).flip(0).flatten(), theta[-1:]])


def distance_up_to_symmetry(problem: Perceptron, first: Tensor, second: Tensor) -> float:
    """The least distance between two thetas over all orders and signs of hidden units, relative to the larger norm.

    Each unit of one is matched with a unit of the other, either sign, by the assignment of least total (Kuhn, Naval
    Research Logistics Quarterly 2, 1955): exact, for a squared distance is a sum over the pairs.
    """
    left, right = problem.units(first).unsqueeze(1), problem.units(second).unsqueeze(0)
    costs = torch.minimum((left - right).square().sum(2), (left + right).square().sum(2))  # (units, units)
    rows, columns = linear_sum_assignment(costs.numpy())
    total = costs[torch.from_numpy(rows), torch.from_numpy(columns)].sum() + (first[-1] - second[-1]).square()
    return (total.sqrt() / torch.maximum(first.norm(), second.norm())).item()


def minima_table(problem: Perceptron, minima: Mapping[int, tuple[Tensor, int]]) -> pd.DataFrame:
    """A row per seed: loss, what shows that it is a minimum, and the loss of the same network written otherwise.

    minima: by seed, what `minimise` found.
    """
    rows = []
    for seed, (theta, num_newton_steps) in minima.items():
        loss = problem.loss(theta).item()
        rows.append(
            {
                "seed": seed,
                "num_newton_steps": num_newton_steps,
                "loss": loss,
                "gradient": problem.gradient(theta).norm().item(),
                "smallest_eigenvalue": torch.linalg.eigvalsh(problem.hessian(theta))[0].item(),
                "permuted_difference": abs(problem.loss(same_function(problem, theta)).item() / loss - 1),
            }
        )
    return pd.DataFrame(rows)


def distances_table(problem: Perceptron, minima: Mapping[int, tuple[Tensor, int]]) -> pd.DataFrame:
    """A row per pair of seeds: the distance of their minima, up to the order and signs of hidden units."""
    return pd.DataFrame(
        {"first": first, "second": second, "distance": distance_up_to_symmetry(problem, one, other)}
        for (first, (one, _)), (second, (other, _)) in combinations(minima.items(), 2)
    )


def curvatures(problem: Perceptron, found: Mapping[str, Descent], seeds: Sequence[int]) -> pd.DataFrame:
    """A row per seed and recorded step: the smallest and largest eigenvalue of the Hessian."""
    rows = []
    for seed in seeds:
        for step, theta in found[f"seed {seed}"].states.items():
            values = torch.linalg.eigvalsh(problem.hessian(theta))
            rows.append({"seed": seed, "step": step, "smallest": values[0].item(), "largest": values[-1].item()})
    return pd.DataFrame(rows)
