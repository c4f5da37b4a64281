"""Closed forms and their limits: losses, routes to least squares, collinear columns, many minima, initial values."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dlstudy.closed_form.least_squares import least_squares
from dlstudy.core.base.dataset import Dataset, load_dataset
from dlstudy.core.base.params import ParamsError
from dlstudy.data.housing import read_table, sales_of
from dlstudy.experiments.linear_theory import losses, perceptron, solving
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
    train, sales = inputs.houses.train, sales_of(inputs.table)
    weights, bias = least_squares(train.features, train.targets)
    data = {"housing": inputs.houses, "synthetic": inputs.synthetic}
    splits = {name: dataset.standardised(dataset.train) for name, dataset in data.items()}
    problem = perceptron.Perceptron(splits["housing"], params.hidden_units, params.weight_decay)
    descents = perceptron.all_descents(problem, params, seeds)
    found = {seed: perceptron.minimise(problem, descents[f"seed {seed}"].end) for seed in seeds}
    return {
        "error_checks": losses.error_checks(train.features @ weights + bias, train.targets),
        "best_constants": losses.best_constants(train.targets),
        "coefficients": losses.fits_with_and_without_large(sales),
        "routes": solving.route_differences(splits),
        "descents": solving.descents(splits, params.num_descent_steps),
        "starts": solving.descents_from_anywhere(splits["housing"], seeds, params.num_descent_steps),
        "collinear": solving.collinear_tables(inputs.table),
        "solutions": solving.collinear_solutions(inputs.table),
        "units": perceptron.unit_differences(problem, descents),
        "minima": perceptron.minima_table(problem, found),
        "distances": perceptron.distances_table(problem, found),
        "curvatures": perceptron.curvatures(problem, descents, seeds),
        "convexity": losses.convexity(inputs.images, seeds),
        "stationarity": losses.stationarity(inputs.images, splits["housing"], seeds),
        "facts": facts(inputs, params, seeds),
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
        "arrived": perceptron.ARRIVED,
        "losses": losses.facts(sales_of(inputs.table)),
        "collinear": solving.collinear_facts(inputs.table),
        "softmax": losses.softmax_facts(inputs.images),
    }
