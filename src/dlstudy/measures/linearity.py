"""Measures on linearity: in the inputs, by the price of a house on its area and age; and in the parameters."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from dlstudy.judging.evidence import Evidence, PerFold, exact
from dlstudy.study.results import Results

EXPERIMENT: Final = "linearity"


def gains_of(folds: pd.DataFrame, plain: str, richer: str) -> PerFold:
    """By how many percent the richer model's error is lower, one per fold of each repeat."""
    gains = 100 * (folds[plain] - folds[richer]) / folds[plain]
    return PerFold(tuple(gains), num_folds=int(folds.groupby("repeat")["fold"].nunique().min()))


def faults_of(folds: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Folds that are missing, or there twice: an interval over others would be another one."""
    expected = {(repeat + 1, fold + 1) for repeat in range(facts["num_repeats"]) for fold in range(facts["num_folds"])}
    found = list(zip(folds["repeat"], folds["fold"], strict=True))
    complete = len(found) == len(expected) and set(found) == expected
    return () if complete else (f"{len(expected)} folds were to be scored, {len(set(found) & expected)} of them were",)


def sizes(facts: Mapping[str, Any]) -> dict[str, Any]:
    names = ("num_sales", "num_repeats", "num_folds", "num_knots", "num_columns", "num_large_houses", "large_area")
    return {name: facts[name] for name in names}


def spline_over_plane(results: Results, unit: str) -> Evidence:
    """What a spline gains over a plane, on the price in dollars ("dollars") or on its natural logarithm ("log")."""
    folds, facts = results.experiment(EXPERIMENT, "folds"), results.experiment_facts(EXPERIMENT)
    plane, spline = f"plane_{unit}", f"spline_{unit}"
    shown = {
        "plane_rmse": float(folds[plane].mean()),
        "spline_rmse": float(folds[spline].mean()),
        "share_of_folds_gained": float((folds[spline] < folds[plane]).mean()),
        "plane": dict(facts["planes"][unit]),
        "spline_r2": facts["spline_r2"][unit],
    }
    return Evidence(
        {"": gains_of(folds, plane, spline)},
        facts=sizes(facts) | shown,
        faults=faults_of(folds, facts),
        aside={"usual": gains_of(folds, f"{plane}_usual", f"{spline}_usual")},
    )


def same_solution(results: Results) -> Evidence:
    """How far apart two ways to solve for the spline are, in every fold."""
    folds, facts = results.experiment(EXPERIMENT, "folds"), results.experiment_facts(EXPERIMENT)
    largest = folds.groupby("repeat")["disagreement"].max()
    samples = exact({f"repeat {repeat}": value for repeat, value in largest.items()})
    shown = {"largest": float(largest.max()), "condition_number": facts["condition_number"]}
    return Evidence(samples, facts=sizes(facts) | shown, faults=faults_of(folds, facts))


def boosting_over_spline(results: Results) -> Evidence:
    """What trees gain over the spline; besides, what products of the spline's columns gain."""
    folds, facts = results.experiment(EXPERIMENT, "folds"), results.experiment_facts(EXPERIMENT)
    models = ("plane", "spline", "products", "boosting")
    shown = {
        "rmse": {name: float(folds[f"{name}_log"].mean()) for name in models},
        "boosting": dict(facts["boosting"]),
        "num_product_columns": facts["num_product_columns"],
    }
    return Evidence(
        {"": gains_of(folds, "spline_log", "boosting_log")},
        facts=sizes(facts) | shown,
        faults=faults_of(folds, facts),
        aside={
            "products": gains_of(folds, "spline_log", "products_log"),
            "boosting_over_products": gains_of(folds, "products_log", "boosting_log"),
            "usual": gains_of(folds, "spline_log_usual", "boosting_log_usual"),
        },
    )
