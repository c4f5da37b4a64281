"""Full-batch gradient descent: how large a step may be (SGD-3), and how fast it converges (SGD-4)."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import torch
from torch import Tensor

from dlstudy.core.randomness import generator
from dlstudy.experiments.sgd_theory.problem import Problem, Row, Softmax

NUM_TRIAL_STEPS: Final = 200  # of a descent that shows whether a learning rate is too large
FIRST_TRIAL: Final = 1.0  # learning rate; the search goes up or down from here by factors of 2
PRECISION: Final = 1e-3  # relative, of the bisection: a tenth of what the claim tolerates
CURVE_FACTORS: Final = (0.5, 0.95, 1.05, 2.0)  # learning rates of the curves, in critical ones
REDUCTION: Final = 1e-12  # of the error, to which descents go: above the rounding of float64
NUM_PERTURBED_STEPS: Final = 2  # of a perturbation's trial, which starts where one before left off: few are needed
NUM_LOOKS: Final = 4  # at the curvature, after the one at W = 0
NUM_POWER_STEPS: Final = 30  # of each look, which starts where the one before ended
TINY: Final = 1e-6  # of a perturbation, beside which its square is nothing


def bisect_rate(grows: Callable[[float], bool]) -> float:
    """The learning rate from which on descents grow, to PRECISION; `grows` tells whether one does."""
    high = FIRST_TRIAL
    while not grows(high):
        high *= 2
    while grows(high / 2):
        high /= 2
    low = high / 2
    while high / low > 1 + PRECISION:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if grows(middle) else (middle, high)
    return math.sqrt(low * high)


def descend(problem: Problem | Softmax, lr: float, num_steps: int, *, start: Tensor | None = None) -> Iterator[Tensor]:
    """The start, 0 unless given, and what each step of full-batch gradient descent makes of it."""
    w = problem.zeros() if start is None else start
    yield w
    for _ in range(num_steps):
        w = w - lr * problem.gradient(w)
        yield w


def random_start(problem: Problem, seed: int, purpose: str) -> Tensor:
    """A place about as far from the optimum as 0 is, in every direction."""
    stream = generator(seed, f"sgd_theory/{purpose}")
    return problem.optimum + torch.randn(len(problem.optimum), generator=stream, dtype=torch.float64)


def loss_grows(problem: Problem, start: Tensor, lr: float) -> bool:
    """Whether the loss is higher at the end of a descent than it was half way.

    A descent that has converged may differ in the last bits: a rise of 1e-9 of the loss is none.
    """
    places = list(descend(problem, lr, NUM_TRIAL_STEPS, start=start))
    half_way, end = problem.loss(places[NUM_TRIAL_STEPS // 2]), problem.loss(places[-1])
    return not end <= half_way * (1 + 1e-9)  # what overflows compares as neither


class Perturbation:
    """A tiny W that every trial in which it grows hands to the next, made tiny again.

    After the first such trials it points where the loss curves most, as in power iteration, and the next ones need few
    steps to show whether it grows. Trials in which it shrinks are forgotten: they lose that direction.
    """

    def __init__(self, problem: Softmax, seed: int) -> None:
        self.problem = problem
        stream = generator(seed, "sgd_theory/perturbation")
        W = torch.randn(problem.zeros().shape, generator=stream, dtype=torch.float64)
        self.W = W * (TINY / W.norm())
        self.gradient = problem.curvature_gradient(self.W)

    def grows(self, lr: float) -> bool:
        """Whether the last step of a few makes the gradient longer, and with it the perturbation.

        The gradient, because it leaves out the directions without curvature, which neither grow nor shrink.
        """
        W, gradient = self.W, self.gradient
        for _ in range(NUM_PERTURBED_STEPS):
            before = float(gradient.norm())
            W = W - lr * gradient
            gradient = self.problem.curvature_gradient(W)
        if grew := float(gradient.norm()) > before:
            self.W, self.gradient = (each * (TINY / W.norm()) for each in (W, gradient))  # proportional, W being tiny
        return grew


def critical_row(problem: Problem | Softmax, seed: int, grows: Callable[[float], bool]) -> Row:
    """The critical learning rate, predicted and found by descents from a seed's start; `grows` as for `bisect_rate`."""
    predicted, measured = problem.critical_rate, bisect_rate(grows)
    return {"problem": problem.name, "seed": seed, "predicted": predicted, "measured": measured}


def contraction(problem: Problem, lr: float) -> float:
    """The largest |1 - lr lambda_i|: by what the slowest direction's error is multiplied a step.

    Each eigendirection's error is multiplied by its own 1 - lr lambda_i; Goh, Why Momentum Really Works, Distill, 2017.
    """
    return (1 - lr * problem.spectrum[0]).abs().max().item()


def measured_log_contraction(problem: Problem, start: Tensor, lr: float) -> float:
    """The slope of log |w - optimum| over the last quarter of a descent to REDUCTION of its first error.

    Before that the faster directions die out. Least-squares slope over the steps.
    """
    first = (start - problem.optimum).norm().item()
    # Twice as long as theory says that the slowest direction takes, so that a wrong theory shows as such.
    most = 2 * math.ceil(math.log(REDUCTION) / math.log(contraction(problem, lr))) + 10
    logs: list[float] = []
    for w in descend(problem, lr, most, start=start):
        error = (w - problem.optimum).norm().item()
        if error < REDUCTION * first:
            break
        logs.append(math.log(error))
    return slope(logs[3 * len(logs) // 4 :])


def slope(values: Sequence[float]) -> float:
    """The least-squares slope of values over 0, 1, 2, ..."""
    middle = (len(values) - 1) / 2
    moments = sum((place - middle) * value for place, value in enumerate(values))
    return moments / sum((place - middle) ** 2 for place in range(len(values)))


def contraction_rows(problem: Problem, fractions: Sequence[float], seed: int) -> list[Row]:
    """A row per learning rate: the logarithm of the contraction, predicted and measured from a seed's start."""
    start = random_start(problem, seed, "contraction start")
    return [
        {
            "seed": seed,
            "fraction": fraction,
            "learning_rate": lr,
            "predicted": math.log(contraction(problem, lr)),
            "measured": measured_log_contraction(problem, start, lr),
        }
        for fraction in fractions
        for lr in [fraction * problem.critical_rate]
    ]


def curve_rows(problem: Problem | Softmax, num_steps: int) -> list[Row]:
    """The loss by step of full-batch descent from 0, at learning rates below and above the critical one."""
    return [
        {"problem": problem.name, "factor": factor, "learning_rate": lr, "step": step, "loss": problem.loss(w)}
        for factor in CURVE_FACTORS
        for lr in [factor * problem.critical_rate]
        for step, w in enumerate(descend(problem, lr, num_steps))
    ]


def curvature_rows(problem: Softmax, num_steps: int, seed: int) -> list[Row]:
    """The largest eigenvalue of the Hessian as descent from 0 goes on, at the first of CURVE_FACTORS.

    By power iteration, which comes to it from below. A row at 0, NUM_LOOKS rows at even distances.
    """
    lr, stream = CURVE_FACTORS[0] * problem.critical_rate, generator(seed, "sgd_theory/power iteration")
    V = torch.randn(problem.zeros().shape, generator=stream, dtype=torch.float64)
    looks = {round(look * num_steps / NUM_LOOKS) for look in range(NUM_LOOKS + 1)}
    rows: list[Row] = []
    for number, W in enumerate(descend(problem, lr, num_steps)):
        if number in looks:
            for _ in range(NUM_POWER_STEPS):
                V = problem.hessian_product(W, V / V.norm())
            rows.append({"step": number, "largest_eigenvalue": float(V.norm())})
    return rows
