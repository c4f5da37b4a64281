"""What theory says of minibatch SGD, and what is measured: on the Ames sales, and on the images for softmax."""

from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from dlstudy.core.base.dataset import Dataset, load_dataset
from dlstudy.core.base.params import ParamsError
from dlstudy.core.execution import map_runs
from dlstudy.experiments.sgd_theory import descent, minibatches
from dlstudy.experiments.sgd_theory.descent import Problem, Row, Softmax
from dlstudy.experiments.sgd_theory.minibatches import Grid, Noise, exact_floor, reshuffled_ratio, simple_floor
from dlstudy.experiments.sgd_theory.params import SgdTheoryParams

PARAMS = SgdTheoryParams
Rows = dict[str, list[Row]]


def load() -> tuple[Dataset, Dataset]:
    """The houses and the images."""
    return load_dataset(Path("data/prepared/housing.pt")), load_dataset(Path("data/prepared/images.pt"))


def run(data: tuple[Dataset, Dataset], params: SgdTheoryParams, seeds: Sequence[int]) -> dict[str, Any]:
    """Every table and the facts; the images and the seeds spread over processes."""
    houses, images = data
    problem = Problem.of(houses)
    check_batch_sizes(params, problem.num_rows)
    noise = Noise.of(problem)
    for lr, batch_size in product(params.floor_learning_rates, params.floor_batch_sizes):
        exact_floor(noise, lr, batch_size)  # StudyError where descents would go off: told before they are run
    jobs = [("images", seeds[0]), *(("houses", seed) for seed in seeds)]
    of_images, *runs = map_runs(_rows, jobs, label="sgd_theory", shared=(problem, images, params))
    rows: Rows = {name: [row for run in runs for row in run[name]] for name in runs[0]}
    rows["critical"] += of_images["critical"]
    rows["curvature"] = of_images["curvature"]
    rows["curves"] = descent.curve_rows(problem, params.num_curve_steps) + of_images["curves"]
    rows["full_batch"] = minibatches.full_batch_rows(
        noise, params.floor_learning_rates, -problem.rotated.optimum, params.num_first_steps
    )
    tables = {name: pd.DataFrame(found) for name, found in rows.items()}
    return {**tables, "facts": facts(problem, noise, houses.feature_names, images, params)}


def check_batch_sizes(params: SgdTheoryParams, num_rows: int) -> None:
    """ParamsError for a minibatch that the training split cannot fill."""
    for key in ("batch_sizes", "floor_batch_sizes"):
        largest = max(getattr(params, key))
        if largest >= num_rows:
            raise ParamsError(
                f"experiments.sgd_theory.{key}: expected less than {num_rows}, the training split, found {largest}"
            )


def _rows(problem: Problem, images: Dataset, params: SgdTheoryParams, job: tuple[str, int]) -> Rows:
    data, seed = job
    return image_rows(images, params, seed) if data == "images" else seed_rows(problem, params, seed)


def seed_rows(problem: Problem, params: SgdTheoryParams, seed: int) -> Rows:
    """All that one seed measures on the sales, by table."""
    noise = Noise.of(problem)
    grid = Grid(params.floor_learning_rates, params.floor_batch_sizes, params.num_floor_chains)
    means, variances = minibatches.gradient_rows(problem, params.batch_sizes, params.num_epochs, seed)
    independent = minibatches.independent_floors(noise, grid, params.num_floor_steps, seed)
    reshuffled = minibatches.reshuffled_floors(noise, grid, params.num_floor_epochs, seed)
    simple, exact, ratio = (partial(theory, noise) for theory in (simple_floor, exact_floor, reshuffled_ratio))
    start = descent.random_start(problem, seed, "critical start")
    return {
        "means": means,
        "variances": variances,
        "critical": [descent.critical_row(problem, seed, partial(descent.loss_grows, problem, start))],
        "contractions": descent.contraction_rows(problem, params.descent_fractions, seed),
        "floors": grid.rows(seed, simple=simple, exact=exact, measured=independent),
        "first_steps": minibatches.first_step_rows(noise, grid, -problem.rotated.optimum, params.num_first_steps, seed),
        "reshuffled": grid.rows(seed, predicted_ratio=ratio, independent=independent, reshuffled=reshuffled),
    }


def image_rows(images: Dataset, params: SgdTheoryParams, seed: int) -> Rows:
    """What is measured on the images, by table: the critical learning rate on all, learning curves on some."""
    whole, few = Softmax.of(images), Softmax.of(images, params.num_curve_images)
    return {
        "critical": [descent.critical_row(whole, seed, descent.Perturbation(whole, seed).grows)],
        "curves": descent.curve_rows(few, params.num_curve_steps),
        "curvature": descent.curvature_rows(few, params.num_curve_steps, seed),
    }


def facts(
    problem: Problem, noise: Noise, feature_names: Sequence[str], images: Dataset, params: SgdTheoryParams
) -> dict[str, Any]:
    """What is known of both problems before anything is measured, and how much is measured."""
    at_zero = problem.row_gradients(problem.zeros())
    return {
        "num_rows": problem.num_rows,
        "coordinates": [*feature_names, "bias"],
        "eigenvalues": noise.eigenvalues.tolist(),
        "noise": noise.covariance.diagonal().tolist(),
        "smallest_loss": problem.loss(problem.optimum),
        "full_gradient": at_zero.mean(0).tolist(),
        "gradient_variance": minibatches.total_variance(at_zero),
        "num_epochs": params.num_epochs,
        "num_chains": params.num_floor_chains,
        "num_steps_down": minibatches.num_steps_down(noise, params.floor_learning_rates),
        **params.model_dump(include={"num_floor_steps", "num_floor_epochs", "num_first_steps", "num_curve_steps"}),
        "num_trial_steps": descent.NUM_TRIAL_STEPS,
        "bisection_precision": descent.PRECISION,
        "reduction": descent.REDUCTION,
        "num_images": len(images.train),
        "num_curve_images": min(params.num_curve_images, len(images.train)),
        "num_classes": images.num_outputs,
    }
