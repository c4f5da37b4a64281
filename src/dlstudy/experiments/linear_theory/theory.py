"""Closed forms and their limits: losses, routes to least squares, collinear columns, many minima, initial values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dlstudy.closed_form.least_squares import least_squares
from dlstudy.core.dataset import Dataset
from dlstudy.core.params import ParamsError
from dlstudy.data.housing import sales_of
from dlstudy.experiments.linear_theory import collinear, losses, minima, perceptron, softmax, solving
from dlstudy.experiments.linear_theory.params import LinearTheoryParams

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Inputs:
    """All data of the experiment."""

    houses: Dataset
    table: pd.DataFrame  # the raw table of the houses, all sales and columns
    synthetic: Dataset
    images: Dataset


def loss_tables(inputs: Inputs) -> Tables:
    """What squared and absolute loss are (LIN-2)."""
    train = inputs.houses.train
    weights, bias = least_squares(train.features, train.targets)
    return {
        "error_checks": losses.error_checks(train.features @ weights + bias, train.targets),
        "best_constants": losses.best_constants(train.targets),
        "coefficients": losses.fits_with_and_without_large(sales_of(inputs.table)),
    }


def solution_tables(inputs: Inputs, params: LinearTheoryParams, seeds: Sequence[int]) -> Tables:
    """Least squares by several routes, by descent (LIN-3, SGD-8), and with collinear columns (LIN-4)."""
    sales = sales_of(inputs.table)
    data = {"housing": inputs.houses, "synthetic": inputs.synthetic}
    splits = {name: dataset.standardised(dataset.train) for name, dataset in data.items()}
    return {
        "routes": solving.route_differences(splits),
        "descents": solving.descents(splits, params.num_descent_steps),
        "starts": solving.descents_from_anywhere(splits["housing"], seeds, params.num_descent_steps),
        "collinear": collinear.collinear_tables(inputs.table, sales),
        "solutions": collinear.collinear_solutions(inputs.table, sales),
    }


def perceptron_tables(inputs: Inputs, params: LinearTheoryParams, seeds: Sequence[int]) -> Tables:
    """The minima and hidden units of a small perceptron (LIN-5, SGD-8)."""
    split = inputs.houses.standardised(inputs.houses.train)
    problem = perceptron.Perceptron(split, params.hidden_units, params.weight_decay)
    descents = perceptron.all_descents(problem, params, seeds)
    found = minima.minima_of(problem, descents, seeds)
    return {
        "paths": perceptron.paths(problem, descents),
        "units": perceptron.unit_differences(problem, descents),
        "minima": minima.minima_table(problem, found),
        "distances": minima.distances_table(problem, found),
        "curvatures": minima.curvatures(problem, descents, seeds),
    }


def softmax_tables(inputs: Inputs, seeds: Sequence[int]) -> Tables:
    """Softmax regression's convex loss and bent gradient (LIN-5)."""
    houses = inputs.houses.standardised(inputs.houses.train)
    return {
        "convexity": softmax.convexity(inputs.images, seeds),
        "stationarity": softmax.stationarity(inputs.images, houses, seeds),
    }


def tables(inputs: Inputs, params: LinearTheoryParams, seeds: Sequence[int]) -> Tables:
    """Every table of the experiment, by name; ParamsError for a single seed, whose minimum is far from no other."""
    if len(seeds) < 2:
        raise ParamsError(f"seeds: expected two at least, whose minima are compared, found {list(seeds)}")
    return (
        loss_tables(inputs)
        | solution_tables(inputs, params, seeds)
        | perceptron_tables(inputs, params, seeds)
        | softmax_tables(inputs, seeds)
    )


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
