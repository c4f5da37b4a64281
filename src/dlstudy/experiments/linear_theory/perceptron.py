"""A perceptron with one hidden layer of tanh units: its derivatives, its descents, its minima (LIN-5, SGD-8).

Parameters are one vector theta: for each hidden unit its incoming weights, its bias and its outgoing weight, then the
output's bias. The loss is the halved mean squared error plus weight_decay / 2 * |theta|^2: without the last term,
weights can grow for ever, and a descent arrives nowhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

import pandas as pd
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from dlstudy.closed_form.least_squares import with_ones
from dlstudy.core.base.dataset import Split
from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import build_network, initialise
from dlstudy.experiments.linear_theory.params import LinearTheoryParams
from dlstudy.experiments.linear_theory.solving import extreme_eigenvalues, recorded_steps

CONSTANTS: Final = (0.0, 0.1, 0.5, 1.0)  # initial values that are the same for every parameter


@dataclass(frozen=True)
class Perceptron:
    """The loss of a perceptron as a function of theta (units * (features + 2) + 1,), on fixed examples."""

    examples: Split  # standardised
    num_units: int
    weight_decay: float

    @cached_property
    def columns(self) -> list[Tensor]:
        """Each feature (examples,), in memory in one piece."""
        return [column.contiguous() for column in self.examples.features.unbind(1)]

    @cached_property
    def products(self) -> Tensor:
        """Of each example's features and 1 with each other; (examples, (features + 1)^2)."""
        A = with_ones(self.examples.features)
        return (A.unsqueeze(2) * A.unsqueeze(1)).flatten(1)

    def units(self, theta: Tensor) -> Tensor:
        """A row per hidden unit: incoming weights, bias, outgoing weight; (units, features + 2)."""
        return theta[:-1].view(self.num_units, -1)

    def hidden(self, theta: Tensor) -> Tensor:
        """The activations (units, examples).

        By products and sums of single numbers, in the same order for every unit: a matrix product may take another
        order for another row, and equal units would drift apart by rounding.
        """
        units = self.units(theta)
        z = units[:, -2:-1].repeat(1, len(self.examples))
        for weight, column in zip(units.unbind(1), self.columns, strict=False):
            z.add_(weight.unsqueeze(1) * column)
        return z.tanh_()

    def residuals(self, theta: Tensor, hidden: Tensor) -> Tensor:
        """Output less target (examples,)."""
        return self.units(theta)[:, -1] @ hidden + theta[-1] - self.examples.targets

    def loss(self, theta: Tensor) -> Tensor:
        residuals = self.residuals(theta, self.hidden(theta))
        return residuals.square().mean() / 2 + self.weight_decay / 2 * theta.square().sum()

    def gradient(self, theta: Tensor) -> Tensor:
        """By backpropagation, written out; again in the same order for every unit."""
        hidden = self.hidden(theta)
        errors = self.residuals(theta, hidden) / len(self.examples)  # (examples,)
        outgoing = self.units(theta)[:, -1:]
        deltas = (hidden * hidden).neg_().add_(1).mul_(errors).mul_(outgoing)  # v tanh'(z) e, (units, examples)
        incoming = [(deltas * column).sum(1) for column in self.columns]
        per_unit = torch.stack([*incoming, deltas.sum(1), (hidden * errors).sum(1)], dim=1)
        return torch.cat([per_unit.flatten(), errors.sum().unsqueeze(0)]) + self.weight_decay * theta

    def hessian(self, theta: Tensor) -> Tensor:
        """J'J/n, plus for each unit the curvature of its own output times the residuals, plus the weight decay.

        With z = a'w~ (a: features and 1) and output v tanh z, the second derivatives are v tanh''(z) a a' by w~ and
        tanh'(z) a by w~ and v; different units share none (Bishop, Neural Computation 4, 1992).
        """
        hidden, A, n = self.hidden(theta), with_ones(self.examples.features), len(self.examples)
        errors = self.residuals(theta, hidden) / n
        outgoing = self.units(theta)[:, -1:]
        first = 1 - hidden * hidden  # tanh', (units, examples)
        second = -2 * hidden * first * outgoing * errors
        slopes = outgoing * first
        per_unit = torch.stack([*(slopes * column for column in self.columns), slopes, hidden], dim=1)
        jacobian = torch.cat([per_unit.flatten(0, 1), torch.ones(1, n, dtype=theta.dtype)])  # J', (parameters, n)
        hessian = jacobian @ jacobian.T / n + self.weight_decay * torch.eye(len(theta), dtype=theta.dtype)
        own = theta.new_zeros(self.num_units, A.shape[1] + 1, A.shape[1] + 1)
        own[:, :-1, :-1] = (second @ self.products).view(self.num_units, A.shape[1], A.shape[1])
        own[:, :-1, -1] = own[:, -1, :-1] = (first * errors) @ A
        hessian[:-1, :-1] += torch.block_diag(*own)
        return hessian


# --- Descents ---


@dataclass(frozen=True)
class Descent:
    """A run of gradient descent: theta at the recorded steps, and whether its hidden units stayed the same."""

    states: Mapping[int, Tensor]
    num_steps_apart: int  # states, of all num_steps + 1, in which any bit of two hidden units differed

    @property
    def end(self) -> Tensor:
        return self.states[max(self.states)]


def descend(problem: Perceptron, theta: Tensor, lr: float, num_steps: int) -> Descent:
    """Full-batch gradient descent with a constant step; DivergedError if its loss does not stay finite."""
    recorded, states, num_apart = set(recorded_steps(num_steps)), {}, 0
    for step in range(num_steps + 1):
        if step in recorded:
            states[step] = theta
        units = problem.units(theta)
        num_apart += int(not torch.equal(units, units[:1].expand_as(units)))
        theta = theta - lr * problem.gradient(theta)
    if not problem.loss(states[num_steps]).isfinite():
        raise DivergedError(
            "experiments.linear_theory.learning_rate: expected a rate at which the perceptron's loss stays finite, "
            f"found {lr}"
        )
    return Descent(states, num_apart)


def start_of_seed(num_features: int, num_units: int, seed: int) -> Tensor:
    """Xavier's initial values as theta."""
    network = build_network(num_features, (num_units,), 1, activation="tanh", dtype=torch.float64)
    initialise(network, "xavier", generator(seed, "weights"))
    weight, bias, outgoing, output_bias = (parameter.detach() for parameter in network.parameters())
    return torch.cat([torch.cat([weight, bias.unsqueeze(1), outgoing.T], dim=1).flatten(), output_bias])


def all_descents(problem: Perceptron, params: LinearTheoryParams, seeds: Sequence[int]) -> dict[str, Descent]:
    """A descent from the random start of every seed ("seed 0"), then one from every constant ("constant 0.5")."""
    num_features = problem.examples.features.shape[1]
    starts = {f"seed {seed}": start_of_seed(num_features, problem.num_units, seed) for seed in seeds}
    size = problem.num_units * (num_features + 2) + 1
    starts |= {f"constant {value:g}": torch.full((size,), value, dtype=torch.float64) for value in CONSTANTS}
    lr, num_steps = params.learning_rate, params.num_descent_steps
    return {name: descend(problem, theta, lr, num_steps) for name, theta in starts.items()}


def unit_differences(problem: Perceptron, found: Mapping[str, Descent]) -> pd.DataFrame:
    """A row per start: the steps at which hidden units differed at all, and the largest difference at the end."""
    rows = []
    for name, descent in found.items():
        units = problem.units(descent.end)
        kind, _, value = name.partition(" ")
        rows.append(
            {
                "start": name,
                "kind": "random" if kind == "seed" else "constant",
                "value": float(value),
                "num_steps_apart": descent.num_steps_apart,
                "largest_difference": (units.max(0).values - units.min(0).values).max().item(),
                "loss": problem.loss(descent.end).item(),
            }
        )
    return pd.DataFrame(rows)


# --- Minima ---

MAX_NEWTON_STEPS: Final = 500
ARRIVED: Final = 1e-10  # the norm of the gradient where Newton's method stops


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
    """A row per seed: loss, what shows that it is a minimum, and the loss of the same network written otherwise."""
    table = pd.DataFrame(
        {
            "seed": seed,
            "num_newton_steps": num_newton_steps,
            "loss": problem.loss(theta).item(),
            "gradient": problem.gradient(theta).norm().item(),
            "smallest_eigenvalue": extreme_eigenvalues(problem.hessian(theta))["smallest"],
            "permuted": problem.loss(same_function(problem, theta)).item(),
        }
        for seed, (theta, num_newton_steps) in minima.items()
    )
    return table.assign(permuted_difference=(table.pop("permuted") / table["loss"] - 1).abs())


def distances_table(problem: Perceptron, minima: Mapping[int, tuple[Tensor, int]]) -> pd.DataFrame:
    """A row per pair of seeds: the distance of their minima, up to the order and signs of hidden units."""
    return pd.DataFrame(
        {"first": first, "second": second, "distance": distance_up_to_symmetry(problem, one, other)}
        for (first, (one, _)), (second, (other, _)) in combinations(minima.items(), 2)
    )


def curvatures(problem: Perceptron, found: Mapping[str, Descent], seeds: Sequence[int]) -> pd.DataFrame:
    """A row per seed and recorded step: the smallest and largest eigenvalue of the Hessian."""
    return pd.DataFrame(
        {"seed": seed, "step": step, **extreme_eigenvalues(problem.hessian(theta))}
        for seed in seeds
        for step, theta in found[f"seed {seed}"].states.items()
    )
