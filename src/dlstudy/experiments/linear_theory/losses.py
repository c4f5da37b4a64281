"""What squared and absolute loss are: counted on real residuals, their best constants, their pull by extreme houses."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from scipy.optimize import linprog, minimize_scalar
from torch import Tensor

from dlstudy.closed_form.least_squares import by_lstsq, with_ones
from dlstudy.training.networks import squared_loss

LARGE_AREA: Final = 4_000.0  # square feet; De Cock (2011) advises to look at the sales beyond it
NAMES: Final = ("area", "age", "intercept")


def loss_of_each(outputs: Tensor, targets: Tensor) -> Tensor:
    """The study's own squared loss of every example on its own; (examples,), (examples,) -> (examples,)."""
    pairs = zip(outputs.view(-1, 1, 1), targets.view(-1, 1), strict=True)  # batches of one
    return torch.stack([squared_loss(output, target) for output, target in pairs])


def error_checks(outputs: Tensor, targets: Tensor) -> pd.DataFrame:
    """How often a property of an error measure was tried on real errors, and how often it failed: a row a property."""
    errors = (outputs - targets).abs()
    losses = loss_of_each(outputs, targets)
    order = errors.argsort()
    grows = errors[order].diff() > 0  # between neighbours in the order of their errors
    counts = {
        "never negative": (len(targets), losses < 0),
        "zero only where output equals target": (len(targets), (losses == 0) & (errors > 0)),
        "zero wherever output equals target": (len(targets), loss_of_each(targets, targets) != 0),
        "larger where the error is larger": (int(grows.sum()), grows & (losses[order].diff() <= 0)),
    }
    return pd.DataFrame(
        {"check": name, "num_cases": num, "num_exceptions": int(failed.sum())} for name, (num, failed) in counts.items()
    )


def vanishing_power() -> int:
    """The largest power of ten whose square is 0 in float64: there, a wrong output costs nothing."""
    return -next(power for power in range(400) if (10.0**-power) ** 2 == 0)


# --- The best constant ---


def minimiser(loss: Callable[[float], float], low: float, high: float) -> float:
    """Where a loss of one number is least, from its values alone (Brent's method).

    A smooth loss is flat at its minimum: float64 tells its values apart only some 1e-8 of the range away.
    """
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-10 * (high - low)})
    return float(found.x)


def nearest_median(values: Tensor, place: float) -> float:
    """The median; of an even number of values, all between the middle two are medians, and the nearest is meant."""
    ordered = values.sort().values
    low, high = ordered[(len(values) - 1) // 2].item(), ordered[len(values) // 2].item()
    return min(max(place, low), high)


def best_constants(prices: Tensor) -> pd.DataFrame:
    """The one price that fits all best under each loss, found numerically, beside the mean or median; in dollars."""
    low, high = prices.min().item(), prices.max().item()
    mean = prices.mean().item()  # the theory, before the measurement
    squared = minimiser(lambda place: (prices - place).square().mean().item(), low, high)
    absolute = minimiser(lambda place: (prices - place).abs().mean().item(), low, high)
    rows = [("squared", "mean", mean, squared), ("absolute", "median", nearest_median(prices, absolute), absolute)]
    table = pd.DataFrame(rows, columns=["loss", "statistic", "predicted", "minimiser"])
    difference = (table["minimiser"] - table["predicted"]).abs()
    return table.assign(relative_difference=difference / table["predicted"].abs())


# --- The pull of extreme houses ---


def least_absolute(A: Tensor, y: Tensor) -> Tensor:
    """Coefficients (columns,) that minimise sum |A w - y|, exactly; A (examples, columns).

    As a linear programme: minimise sum (u + v) such that A w + u - v = y, u >= 0, v >= 0 (Charnes, Cooper and
    Ferguson, Management Science 1, 1955), by HiGHS's dual simplex. ArithmeticError if it finds none.
    """
    num_rows, num_columns = A.shape
    identity = sparse.eye_array(num_rows)
    found = linprog(
        np.concatenate([np.zeros(num_columns), np.ones(2 * num_rows)]),
        A_eq=sparse.hstack([sparse.csr_array(A.numpy()), identity, -identity]),
        b_eq=y.numpy(),
        bounds=[(None, None)] * num_columns + [(0, None)] * (2 * num_rows),
        method="highs-ds",
    )
    if not found.success:
        raise ArithmeticError(f"least absolute deviations: expected a solution, found: {found.message}")
    return torch.from_numpy(found.x[:num_columns])


FITS: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {"squared": by_lstsq, "absolute": least_absolute}


def plane(loss: str, sales: pd.DataFrame) -> list[float]:
    """Slopes on area and age and intercept of price that are best under a loss."""
    A = with_ones(torch.tensor(sales[["area", "age"]].to_numpy()))
    return FITS[loss](A, torch.tensor(sales["price"].to_numpy())).tolist()


def fits_with_and_without_large(sales: pd.DataFrame) -> pd.DataFrame:
    """A row per loss, set of houses ("all", "without large") and coefficient: in dollars, per square foot or year."""
    sets = {"all": sales, "without large": sales[sales["area"] <= LARGE_AREA]}
    return pd.DataFrame(
        {"loss": loss, "houses": houses, "name": name, "value": value}
        for loss in FITS
        for houses, rows in sets.items()
        for name, value in zip(NAMES, plane(loss, rows), strict=True)
    )


def facts(sales: pd.DataFrame) -> dict[str, Any]:
    large = sales[sales["area"] > LARGE_AREA]
    return {
        "num_sales": len(sales),
        "large_area": LARGE_AREA,
        "num_large": len(large),
        "large_houses": large.sort_values(["area", "price"])[["price", "area", "age"]].to_numpy().tolist(),
        "vanishing_power": vanishing_power(),
    }
