"""Folds made up for the claims about linearity: 3 repeats of 5."""

import pandas as pd

from tests.measures.support import Case, Tables

FACTS = {
    "num_sales": 2930,
    "num_large_houses": 5,
    "large_area": 4000.0,
    "num_repeats": 3,
    "num_folds": 5,
    "num_knots": 6,
    "num_columns": 10,
    "num_product_columns": 35,
    "condition_number": 2500.0,
    "planes": {unit: {"intercept": 1.0, "area": 1.0, "age": -1.0, "r2": 0.6} for unit in ("dollars", "log")},
    "spline_r2": {"dollars": 0.65, "log": 0.65},
    "boosting": {"num_trees": 100, "depth": 3},
}


def folds(*, spline=0.0, boosting=0.0, spread=0.3, disagreement=1e-12):
    """Folds in which the spline gains so many percent over the plane, and the trees over the spline."""
    rows = []
    for repeat in (1, 2, 3):
        for fold in (1, 2, 3, 4, 5):
            errors = {"plane": 100.0}
            errors["spline"] = errors["plane"] * (1 - (spline + spread * (fold - 3)) / 100)
            errors["boosting"] = errors["spline"] * (1 - (boosting + spread * (fold - 3)) / 100)
            errors["products"] = errors["spline"]
            scores = {f"{name}_{unit}": error for name, error in errors.items() for unit in ("dollars", "log")}
            usual = {f"{name}_usual": error for name, error in scores.items()}
            rows.append({"repeat": repeat, "fold": fold, "disagreement": disagreement, **scores, **usual})
    return pd.DataFrame(rows)


def results(table):
    return Tables(experiments={("linearity", "folds"): table}, facts_of={"linearity": FACTS})


PLAIN = results(folds())

CASES = {
    "LIN-1/dollars": Case(PLAIN, results(folds(spline=4.0))),
    # A fold that is missing.
    "LIN-1/log": Case(PLAIN, results(folds().iloc[1:]), "invalid"),
    "LIN-1b/closed_form": Case(PLAIN, results(folds(disagreement=1e-7))),
    "LIN-1b/enough": Case(PLAIN, results(folds(boosting=5.0))),
}
