"""Closed forms and their limits: losses, routes to least squares, collinear columns, many minima, initial values."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dlstudy.closed_form.least_squares import least_squares
from dlstudy.core.dataset import Dataset, Split, load_dataset
from dlstudy.core.params import ParamsError
from dlstudy.data.housing import read_table, sales_of
from dlstudy.experiments.linear_theory import collinear, losses, minima, perceptron, softmax, solving
from dlstudy.experiments.linear_theory.params import LinearTheoryParams

PARAMS = LinearTheoryParams


@dataclass(frozen=True)
class Inputs:
    houses: Dataset
    table: pd.DataFrame  # the raw table of the houses, all sales and columns
    synthetic: Dataset
    images: Dataset


def load() -> Inputs:
    """The houses, prepared and as they come, the synthetic problem and the images."""
    return Inputs(
        houses=load_dataset(Path("data/prepared/housing.pt")),
        table=read_table(Path("data/raw/housing/ames_housing.csv")),
        synthetic=load_dataset(Path("data/prepared/synthetic.pt")),
        images=load_dataset(Path("data/prepared/images.pt")),
    )


def run(inputs: Inputs, params: LinearTheoryParams, seeds: Sequence[int]) -> dict[str, Any]:
    """Every table and the facts; ParamsError for a single seed, whose minimum is far from no other."""
    if len(seeds) < 2:
        raise ParamsError(f"seeds: expected two at least, whose minima are compared, found {list(seeds)}")
    data = {"housing": inputs.houses, "synthetic": inputs.synthetic}
    splits = {name: dataset.standardised(dataset.train) for name, dataset in data.items()}
    return {
        **loss_tables(inputs),
        "routes": solving.route_differences(splits),
        "descents": solving.descents(splits, params.num_descent_steps),
        "starts": solving.descents_from_anywhere(splits["housing"], seeds, params.num_descent_steps),
        "collinear": collinear.collinear_tables(inputs.table),
        "solutions": collinear.collinear_solutions(inputs.table),
        **perceptron_tables(splits["housing"], params, seeds),
        "convexity": softmax.convexity(inputs.images, seeds),
        "stationarity": softmax.stationarity(inputs.images, splits["housing"], seeds),
        "facts": facts(inputs, params, seeds),
    }


def loss_tables(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """What squared and absolute loss are (LIN-2)."""
    train = inputs.houses.train
    weights, bias = least_squares(train.features, train.targets)
    return {
        "error_checks": losses.error_checks(train.features @ weights + bias, train.targets),
        "best_constants": losses.best_constants(train.targets),
        "coefficients": losses.fits_with_and_without_large(sales_of(inputs.table)),
    }


def perceptron_tables(split: Split, params: LinearTheoryParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """The minima and hidden units of a small perceptron (LIN-5, SGD-8), on standardised examples."""
    problem = perceptron.Perceptron(split, params.hidden_units, params.weight_decay)
    descents = perceptron.all_descents(problem, params, seeds)
    found = {seed: minima.minimise(problem, descents[f"seed {seed}"].end) for seed in seeds}
    return {
        "paths": perceptron.paths(problem, descents),
        "units": perceptron.unit_differences(problem, descents),
        "minima": minima.minima_table(problem, found),
        "distances": minima.distances_table(problem, found),
        "curvatures": minima.curvatures(problem, descents, seeds),
    }


def facts(inputs: Inputs, params: LinearTheoryParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The single numbers of the experiment: sizes and settings."""
    return {
        "num_seeds": len(seeds),
        "num_train": len(inputs.houses.train),
        "num_train_synthetic": len(inputs.synthetic.train),
        "params": params.model_dump(),
        "wide_std": solving.WIDE_STD,
        "target_distance": solving.TARGET_DISTANCE,
        "arrived": minima.ARRIVED,
        "losses": losses.facts(sales_of(inputs.table)),
        "collinear": collinear.collinear_facts(inputs.table),
        "softmax": softmax.facts(inputs.images),
    }
