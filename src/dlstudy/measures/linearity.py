"""Measures on linearity: in the inputs, by the price of a house on its area and age; and in the parameters."""

import itertools
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from dlstudy.judging.evidence import Evidence, PerFold, Sample, exact
from dlstudy.study.results import Results

EXPERIMENT: Final = "linearity"


def gains_of(folds: pd.DataFrame, plain: str, richer: str) -> PerFold:
    """By how many percent the richer model's error is lower, one per fold of each repeat."""
    gains = 100 * (folds[plain] - folds[richer]) / folds[plain]
    return PerFold(tuple(gains), num_folds=int(folds.groupby("repeat")["fold"].nunique().min()))


def tables(results: Results) -> tuple[pd.DataFrame, dict[str, Any]]:
    return results.experiment(EXPERIMENT, "folds"), results.experiment_facts(EXPERIMENT)


def evidence(results: Results, samples: Mapping[str, Sample], shown: dict[str, Any], **aside: Sample) -> Evidence:
    """With the sizes that every page shows; a fault where folds are missing, or there twice: another interval."""
    folds, facts = tables(results)
    names = ("num_sales", "num_repeats", "num_folds", "num_knots", "num_columns", "num_large_houses", "large_area")
    expected = set(itertools.product(range(1, facts["num_repeats"] + 1), range(1, facts["num_folds"] + 1)))
    found = list(zip(folds["repeat"], folds["fold"], strict=True))
    complete = len(found) == len(expected) and set(found) == expected
    fault = f"{len(expected)} folds were to be scored, {len(set(found) & expected)} of them were"
    sizes = {name: facts[name] for name in names}
    return Evidence(samples, facts=sizes | shown, faults=() if complete else (fault,), aside=aside)


def spline_over_plane(results: Results, unit: str) -> Evidence:
    """What a spline gains over a plane, on the price in dollars ("dollars") or on its natural logarithm ("log")."""
    folds, facts = tables(results)
    plane, spline = f"plane_{unit}", f"spline_{unit}"
    shown = {
        "plane_rmse": folds[plane].mean(),
        "spline_rmse": folds[spline].mean(),
        "share_of_folds_gained": (folds[spline] < folds[plane]).mean(),
        "plane": facts["planes"][unit],
        "spline_r2": facts["spline_r2"][unit],
    }
    usual = gains_of(folds, f"{plane}_usual", f"{spline}_usual")
    return evidence(results, {"": gains_of(folds, plane, spline)}, shown, usual=usual)


def same_solution(results: Results) -> Evidence:
    """How far apart two ways to solve for the spline are, in every fold."""
    folds, facts = tables(results)
    largest = folds.groupby("repeat")["disagreement"].max()
    samples = exact({f"repeat {repeat}": value for repeat, value in largest.items()})
    return evidence(results, samples, {"largest": largest.max(), "condition_number": facts["condition_number"]})


def boosting_over_spline(results: Results) -> Evidence:
    """What trees gain over the spline; besides, what products of the spline's columns gain."""
    folds, facts = tables(results)
    shown = {
        "rmse": {name: folds[f"{name}_log"].mean() for name in ("plane", "spline", "products", "boosting")},
        "boosting": facts["boosting"],
        "num_product_columns": facts["num_product_columns"],
    }
    return evidence(
        results,
        {"": gains_of(folds, "spline_log", "boosting_log")},
        shown,
        products=gains_of(folds, "spline_log", "products_log"),
        boosting_over_products=gains_of(folds, "products_log", "boosting_log"),
        usual=gains_of(folds, "spline_log_usual", "boosting_log_usual"),
    )
