"""Results for and against the claims on closed forms and their limits."""

import pandas as pd

from tests.measures.support import Case, Tables

NAME = "linear_theory"
FACTS = {
    "num_seeds": 2,
    "num_train": 100,
    "num_train_synthetic": 50,
    "params": {"hidden_units": 2, "num_descent_steps": 10, "learning_rate": 0.1, "weight_decay": 0.01},
    "wide_std": 10.0,
    "losses": {"num_sales": 9, "large_area": 4000.0, "num_large": 1, "large_houses": [], "vanishing_power": -162},
    "collinear": {"living area": {"total": "area", "parts": ["a", "b"], "num_rows_that_do_not_add_up": 0}},
    "softmax": {"num_images": 3, "num_features": 2, "num_parameters": 6},
}


def given(**tables):
    """Tables by name, each a list of rows."""
    experiments = {(NAME, name): pd.DataFrame(rows) for name, rows in tables.items()}
    return Tables(experiments=experiments, facts_of={NAME: FACTS})


def error_checks(num_exceptions):
    return given(error_checks=[{"check": "never negative", "num_cases": 100, "num_exceptions": num_exceptions}])


def best_constants(found):
    row = {"loss": "squared", "statistic": "mean", "predicted": 2.0, "minimiser": found}
    return given(best_constants=[row | {"relative_difference": abs(found - 2) / 2}])


def coefficients(squared, absolute):
    """The slopes on area without the large houses, where they are 100 with them."""
    rows = [
        {"loss": loss, "houses": houses, "name": name, "value": value}
        for loss, without in (("squared", squared), ("absolute", absolute))
        for houses, area in (("all", 100.0), ("without large", without))
        for name, value in (("area", area), ("age", -1000.0), ("intercept", 5.0))
    ]
    return given(coefficients=rows)


def routes(difference):
    return given(routes=[{"data": "housing", "first": "QR", "second": "SVD", "difference": difference}])


def descents(distance):
    row = {"data": "housing", "learning_rate": 0.8, "contraction": 0.4, "num_steps_allowed": 15}
    return given(descents=[row | {"num_steps_needed": 13, "num_steps": 100, "distance": distance}])


def solutions(inverse, others):
    """Misfits on a collinear table; None for an inverse that was refused."""
    rows = []
    for method, misfit in (("inverse", inverse), ("pseudo-inverse", others), ("lstsq", others)):
        quantities = {"refused": 1.0} if misfit is None else {"refused": 0.0, "misfit": misfit, "violation": misfit}
        rows += [
            {"table": "living area", "method": method, "quantity": quantity, "value": value}
            for quantity, value in quantities.items()
        ]
    table = {"table": "living area", "num_rows": 9, "num_rows_left_out": 0, "num_columns": 4, "rank": 3}
    return given(solutions=rows, collinear=[table | {"condition_number": 1e16, "condition_number_without_total": 10.0}])


def starts(distance):
    """Descents from two initialisers, which end at a distance."""
    return [
        {"init": init, "seed": seed, "step": step, "distance": 1.0 if step == 0 else distance}
        for init in ("zeros", "wide")
        for seed in (0, 1)
        for step in (0, 10)
    ]


def no_closed_form(
    *, distance=0.5, losses=(0.1, 0.2, 0.15, 0.12, 0.11), lowest=-0.5, softmax=0.0, bend=0.3, gradient=1e-12
):
    row = {"num_newton_steps": 5, "gradient": gradient, "smallest_eigenvalue": 0.1, "permuted_difference": 1e-16}
    return given(
        starts=starts(1e-15),
        minima=[{"seed": seed, "loss": loss, **row} for seed, loss in enumerate(losses)],
        distances=[{"first": 0, "second": 1, "distance": distance}],
        curvatures=[{"seed": seed, "step": 0, "smallest": lowest, "largest": 2.0} for seed in (0, 1)],
        convexity=[{"seed": 0, "smallest": softmax, "largest": 1.0}],
        stationarity=[{"model": "linear", "seed": 0, "bend": 1e-15}, {"model": "softmax", "seed": 0, "bend": bend}],
    )


def units(num_steps_apart, difference):
    """Hidden units from an equal start, which differ at some steps, and from a random one, with their difference."""
    row = {"value": 0.0, "loss": 0.1}
    return given(
        units=[
            row | {"start": "seed 0", "kind": "random", "num_steps_apart": 11, "largest_difference": difference},
            row
            | {
                "start": "constant 0",
                "kind": "constant",
                "num_steps_apart": num_steps_apart,
                "largest_difference": 0.0,
            },
        ]
    )


CASES: dict[str, Case] = {
    "LIN-2/error": Case(error_checks(0), error_checks(1)),
    "LIN-2/optimum": Case(best_constants(2 + 1e-7), best_constants(2.01)),
    "LIN-2/outliers": Case(coefficients(104.0, 103.0), coefficients(104.0, 101.0)),
    "LIN-3/routes": Case(routes(1e-15), routes(1e-7)),
    "LIN-3/descent": Case(descents(1e-15), descents(1e-5)),
    "LIN-4/inverse": Case(solutions(1e-12, 1e-12), solutions(None, 1e-12)),
    "LIN-4/pseudo_inverse": Case(solutions(None, 1e-12), solutions(None, 1e-7)),
    "LIN-5": Case(no_closed_form(), no_closed_form(losses=(0.1,) * 5)),
    "SGD-8/linear": Case(given(starts=starts(1e-15)), given(starts=starts(1e-3))),
    "SGD-8/constant": Case(units(0, 1.0), units(3, 1.0)),
}
