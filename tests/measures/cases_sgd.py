"""Results for the claims of minibatch SGD, for and against each."""

import pandas as pd

from tests.measures.support import CLOTHING, Case, Tables

SEEDS = range(10)
WOBBLE = [0.001 * (seed - 4.5) for seed in SEEDS]  # what one seed measures differs from what the next does
CELLS = [(lr, size) for lr in (0.01, 0.1) for size in (8, 64)]

FACTS = {
    "num_rows": 1758,
    "coordinates": ["area", "age", "bias"],
    "full_gradient": [-0.7, 0.5, 0.0],
    "gradient_variance": 5.7,
    "eigenvalues": [0.75, 1.0, 1.25],
    "noise": [0.6, 0.3, 1.4],
    "smallest_loss": 0.17,
    "num_epochs": 100,
    "num_chains": 64,
    "num_steps_down": 455,
    "num_floor_steps": 1000,
    "num_floor_epochs": 10,
    "num_first_steps": 200,
    "num_curve_steps": 1,
    "num_trial_steps": 200,
    "bisection_precision": 1e-3,
    "reduction": 1e-12,
    "num_images": 50000,
    "num_curve_images": 2000,
    "num_classes": 10,
}


def results(**tables):
    experiments = {("sgd_theory", name): pd.DataFrame(rows) for name, rows in tables.items()}
    return Tables(experiments=experiments, facts_of={"sgd_theory": FACTS}, data_facts=CLOTHING)


def means(shift):
    """Mean gradients whose z-scores are near 0, but for one coordinate of one batch size that is off by `shift`."""
    # 10 seeds x 100 minibatches of variance 1: a mean of 1 / sqrt(1000) is one standard error.
    return results(
        means=[
            {
                "seed": seed,
                "sampling": sampling,
                "batch_size": size,
                "coordinate": coordinate,
                "full": 0.5,
                "deviation": WOBBLE[seed] + shift * (coordinate == 1 and size == 64 and sampling == "with"),
                "variance": 1.0,
                "num_minibatches": 100,
            }
            for seed in SEEDS
            for sampling in ("without", "with")
            for size in (1, 64)
            for coordinate in range(3)
        ]
    )


def variances(**factors):
    """Variances as predicted, times a factor for the largest minibatch of a way to draw."""
    return results(
        variances=[
            {
                "seed": seed,
                "sampling": sampling,
                "batch_size": size,
                "predicted": 0.0 if sampling == "without" and size == 1758 else 5.7 / size,
                "measured": (1 + WOBBLE[seed]) * (5.7 / size) * (factors.get(sampling, 1.0) if size == 64 else 1.0),
            }
            for seed in SEEDS
            for sampling in ("without", "with")
            for size in (1, 64, 1758)
        ]
    )


def critical(linear=1.0, softmax=1.0):
    """Critical rates as predicted, times a factor."""
    rows = [
        {"problem": "linear", "seed": seed, "predicted": 1.6, "measured": 1.6 * linear * (1 + WOBBLE[seed] / 100)}
        for seed in SEEDS
    ]
    return results(
        critical=[*rows, {"problem": "softmax", "seed": 0, "predicted": 0.18, "measured": 0.18 * softmax}],
        curves=[
            {"problem": problem, "factor": factor, "learning_rate": factor, "step": step, "loss": 1.0 + step}
            for problem in ("linear", "softmax")
            for factor in (0.5, 2.0)
            for step in (0, 1)
        ],
        curvature=[{"step": 0, "largest_eigenvalue": 11.0}, {"step": 1, "largest_eigenvalue": 12.0}],
    )


def contractions(factor):
    return results(
        contractions=[
            {
                "seed": seed,
                "fraction": fraction,
                "learning_rate": 1.6 * fraction,
                "predicted": -0.5,
                "measured": -0.5 * (factor if fraction == 0.9 else 1.0) * (1 + WOBBLE[seed]),
            }
            for seed in SEEDS
            for fraction in (0.1, 0.9)
        ]
    )


def floors(factor=1.0, power=1.0):
    """Floors that grow with a power of lr / B, at one learning rate and minibatch size times a factor."""
    return results(
        floors=[
            {
                "seed": seed,
                "learning_rate": lr,
                "batch_size": size,
                "simple": lr / size,
                "exact": 1.01 * lr / size,
                "measured": (lr / size) ** power * (1 + WOBBLE[seed]) * (factor if (lr, size) == CELLS[-1] else 1.0),
            }
            for seed in SEEDS
            for lr, size in CELLS
        ]
    )


def first_steps(share):
    """The same share of helpful steps everywhere."""
    rows = [
        {"learning_rate": lr, "batch_size": size, "share": share, "first_half": share, "second_half": share}
        for lr, size in CELLS
    ]
    full = [{"learning_rate": lr, "batch_size": 1758, "share": 1.0} for lr in (0.01, 0.1)]
    return results(first_steps=[{"seed": seed} | row for seed in SEEDS for row in rows], full_batch=full)


def reshuffled(ratio):
    """Floors of both ways to draw with a ratio that holds at the smallest learning rate only, 1 elsewhere."""
    return results(
        reshuffled=[
            {
                "seed": seed,
                "learning_rate": lr,
                "batch_size": size,
                "predicted_ratio": 0.9,
                "independent": 1e-3,
                "reshuffled": 1e-3 * (1 + WOBBLE[seed]) * (ratio if lr == 0.01 else 1.0),
            }
            for seed in SEEDS
            for lr, size in CELLS
        ]
    )


CASES = {
    "SGD-1": Case(means(0.0), means(0.2)),  # 0.2 is 6 standard errors
    "SGD-2/without": Case(variances(), variances(without=1.1)),
    "SGD-2/with": Case(variances(without=1.1), variances(**{"with": 0.9})),
    "SGD-3/linear": Case(critical(softmax=1.1), critical(linear=1.02)),
    "SGD-3/softmax": Case(critical(linear=1.1), critical(softmax=0.98)),
    "SGD-4": Case(contractions(1.0), contractions(1.05)),
    "SGD-5/level": Case(floors(factor=1.05), floors(factor=1.2)),
    "SGD-5/slope": Case(floors(), floors(power=1.1)),
    "SGD-6/may": Case(first_steps(0.6), first_steps(1.0)),
    "SGD-6/every": Case(first_steps(1.0), first_steps(0.999)),
    "SGD-7/floor": Case(reshuffled(1.02), reshuffled(0.8)),
}
