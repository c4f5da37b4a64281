"""Real columns that are exactly collinear: what the inverse, the pseudo-inverse and least squares make of them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor

from dlstudy.closed_form.least_squares import by_lstsq, with_ones
from dlstudy.data.housing import sales_of
from dlstudy.experiments.linear_theory.solving import by_qr

TOTALS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "living area": ("area", ("X1st.Flr.SF", "X2nd.Flr.SF", "Low.Qual.Fin.SF")),
    "basement": ("Total.Bsmt.SF", ("BsmtFin.SF.1", "BsmtFin.SF.2", "Bsmt.Unf.SF")),
}
"""A total of the Ames table and the columns that it is the sum of, in square feet."""


def by_inverse(A: Tensor, y: Tensor) -> Tensor | None:
    """W = (A'A)^-1 A'y, word for word; None where the inverse is refused."""
    inverse, info = torch.linalg.inv_ex(A.T @ A)
    return None if int(info) else inverse @ (A.T @ y)


def by_pseudo_inverse(A: Tensor, y: Tensor) -> Tensor:
    """W = A^+ y (Penrose, 1955); singular values below max(examples, columns) * 2^-52 of the largest count as 0."""
    inverse: Tensor = torch.linalg.pinv(A)
    return inverse @ y


METHODS: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor | None]]] = {
    "inverse": by_inverse,
    "pseudo-inverse": by_pseudo_inverse,
    "lstsq": by_lstsq,
}


def complete_rows(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Total, parts and price of every sale that has them all: a missing value is left out, not guessed."""
    total, parts = TOTALS[name]
    return table[[total, *parts, "price"]].dropna().astype("float64")


def problems(table: pd.DataFrame) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """For each table its columns with ones (examples, columns), the same without the total, and the prices."""
    tables = {"area and age": sales_of(table)[["area", "age", "price"]]}  # without collinear columns, as a control
    tables |= {name: complete_rows(table, name) for name in TOTALS}
    found = {}
    for name, complete in tables.items():
        features, prices = torch.tensor(complete.to_numpy()).tensor_split([-1], dim=1)
        independent = features[:, 1:] if name in TOTALS else features
        found[name] = with_ones(features), with_ones(independent), prices.squeeze(1)
    return found


def sum_of_squares(A: Tensor, w: Tensor, y: Tensor) -> float:
    return (y - A @ w).square().sum().item()


def measured_solution(A: Tensor, w: Tensor | None, y: Tensor, least: float) -> Iterator[tuple[str, float]]:
    """Whether a method gave coefficients at all and, if so, by how much they miss.

    misfit: excess of the squared error over the least one, relative. violation: |A'(y - A w)| / |A'y|, which is 0
    for whatever solves the normal equations.
    """
    yield "refused", float(w is None)
    if w is not None:
        yield "misfit", sum_of_squares(A, w, y) / least - 1
        yield "violation", ((A.T @ (y - A @ w)).norm() / (A.T @ y).norm()).item()


def collinear_solutions(table: pd.DataFrame) -> pd.DataFrame:
    """A row per table, method and quantity (see `measured_solution`).

    The least squared error is that of the table without the total, by QR: its columns span the same space.
    """
    rows = []
    for name, (A, independent, y) in problems(table).items():
        least = sum_of_squares(independent, by_qr(independent, y), y)
        rows += [
            {"table": name, "method": method, "quantity": quantity, "value": value}
            for method, solve in METHODS.items()
            for quantity, value in measured_solution(A, solve(A, y), y, least)
        ]
    return pd.DataFrame(rows)


def collinear_tables(table: pd.DataFrame) -> pd.DataFrame:
    """A row per table: its size, its rank, and its condition number in the 2-norm with and without the total."""
    return pd.DataFrame(
        {
            "table": name,
            "num_rows": len(y),
            "num_rows_left_out": len(table) - len(y),
            "num_columns": A.shape[1],
            "rank": int(torch.linalg.matrix_rank(A)),
            "condition_number": float(torch.linalg.cond(A)),
            "condition_number_without_total": float(torch.linalg.cond(independent)),
        }
        for name, (A, independent, y) in problems(table).items()
    )


def collinear_facts(table: pd.DataFrame) -> dict[str, Any]:
    """Which columns add up to which, and in how many rows they do not."""
    facts = {}
    for name, (total, parts) in TOTALS.items():
        rows = complete_rows(table, name)
        off = (rows[total] - rows[list(parts)].sum(axis=1)).abs()
        facts[name] = {"total": total, "parts": list(parts), "num_rows_that_do_not_add_up": int((off > 0).sum())}
    return facts
