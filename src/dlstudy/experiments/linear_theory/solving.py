"""Linear regression solved by four routes, by descent from any start, and where real columns are exactly collinear."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor

from dlstudy.closed_form.least_squares import by_lstsq, by_normal_equations, with_ones
from dlstudy.core.base.dataset import Split
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import build_network, initialise
from dlstudy.data.housing import sales_of

WIDE_STD: Final = 10.0  # standard deviation of the widest initial values
STARTS: Final = ("zeros", "pytorch", "xavier", "he", "wide")
TARGET_DISTANCE: Final = 1e-6  # of a descent from the optimum, relative


# --- Four routes (Golub and Van Loan, Matrix Computations, chapter 5) ---


def by_qr(A: Tensor, y: Tensor) -> Tensor:
    """Of R w = Q'y, with A = Q R; A (examples, columns) -> (columns,)."""
    Q, R = torch.linalg.qr(A)
    solution: Tensor = torch.linalg.solve_triangular(R, (Q.T @ y).unsqueeze(1), upper=True)
    return solution.squeeze(1)


def by_svd(A: Tensor, y: Tensor) -> Tensor:
    """W = V S^-1 U'y, with A = U S V'."""
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    solution: Tensor = Vh.T @ ((U.T @ y) / S)
    return solution


ROUTES: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "normal equations": by_normal_equations,
    "QR": by_qr,
    "SVD": by_svd,
    "lstsq": by_lstsq,  # the study's closed form
}


def route_differences(splits: Mapping[str, Split]) -> pd.DataFrame:
    """A row per data set and pair of routes: |one - other| / |other|, Euclidean, over all coefficients."""
    rows = []
    for data, split in splits.items():
        A = with_ones(split.features)
        solutions = {name: route(A, split.targets) for name, route in ROUTES.items()}
        rows += [
            {"data": data, "first": first, "second": second, "difference": float((one - other).norm() / other.norm())}
            for (first, one), (second, other) in combinations(solutions.items(), 2)
        ]
    return pd.DataFrame(rows)


# --- Gradient descent ---


def distances_of_descent(split: Split, starts: Tensor, lr: float, num_steps: int) -> Tensor:
    """How far full-batch descent is from the optimum before each step and after the last, relative to its norm.

    starts (starts, columns) -> (num_steps + 1, starts). The gradient of the halved mean squared error is
    H w - A'y/n with H = A'A/n: the whole table in (columns + 1) columns of numbers.
    """
    A, n = with_ones(split.features), len(split)
    hessian, slope = A.T @ A / n, A.T @ split.targets / n
    exact = by_qr(A, split.targets)
    distances = []
    for _ in range(num_steps + 1):
        distances.append((starts - exact).norm(dim=1) / exact.norm())
        starts = starts - lr * (starts @ hessian - slope)
    return torch.stack(distances)


def spectrum(split: Split) -> Tensor:
    """The eigenvalues of the Hessian A'A/n of the halved mean squared error, ascending."""
    A = with_ones(split.features)
    eigenvalues: Tensor = torch.linalg.eigvalsh(A.T @ A / len(split))
    return eigenvalues


def extreme_eigenvalues(matrix: Tensor) -> dict[str, float]:
    """The smallest and the largest of a symmetric matrix."""
    values = torch.linalg.eigvalsh(matrix)
    return {"smallest": values[0].item(), "largest": values[-1].item()}


def descents(splits: Mapping[str, Split], num_steps: int) -> pd.DataFrame:
    """A row per data set: descent from zeros, the steps that theory allows it to come near, and those it took.

    With lr = 1 / lambda_max the distance shrinks by a factor 1 - lambda_min / lambda_max a step or faster (Nesterov,
    Introductory Lectures on Convex Optimization, 2004, section 2.1): from zeros, where it is 1, to
    `TARGET_DISTANCE` in at most log(TARGET_DISTANCE) / log(factor) steps.
    """
    rows = []
    for data, split in splits.items():
        eigenvalues = spectrum(split)
        lr = 1 / eigenvalues[-1].item()
        contraction = 1 - (eigenvalues[0] / eigenvalues[-1]).item()
        start = torch.zeros(1, len(eigenvalues), dtype=eigenvalues.dtype)
        distances = distances_of_descent(split, start, lr, num_steps)[:, 0]
        rows.append(
            {
                "data": data,
                "learning_rate": lr,
                "contraction": contraction,
                "num_steps_allowed": math.ceil(math.log(TARGET_DISTANCE) / math.log(contraction)),
                "num_steps_needed": int((distances > TARGET_DISTANCE).sum()),
                "num_steps": num_steps,
                "distance": distances[-1].item(),
            }
        )
    return pd.DataFrame(rows)


def linear_start(num_features: int, init: str, seed: int) -> Tensor:
    """Initial weights and bias (features + 1,) of a linear model; "wide" draws them from N(0, WIDE_STD^2)."""
    if init == "wide":
        stream = generator(seed, "wide starts")
        return WIDE_STD * torch.randn(num_features + 1, generator=stream, dtype=torch.float64)
    network = build_network(num_features, (), 1, activation=None, dtype=torch.float64)
    initialise(network, init, generator(seed, "weights"))
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def recorded_steps(num_steps: int) -> list[int]:
    """0, 1, 2, 5, 10, 20, 50, ... and the last: the steps whose state is stored."""
    series = (digit * 10**power for power in range(len(str(num_steps))) for digit in (1, 2, 5))
    return sorted({0, *(step for step in series if step <= num_steps), num_steps})


def descents_from_anywhere(split: Split, seeds: Sequence[int], num_steps: int) -> pd.DataFrame:
    """A row per initialiser, seed and recorded step: relative distance from the optimum with lr = 1 / lambda_max."""
    keys = [(init, seed) for init in STARTS for seed in seeds]
    starts = torch.stack([linear_start(split.features.shape[1], init, seed) for init, seed in keys])
    distances = distances_of_descent(split, starts, 1 / spectrum(split)[-1].item(), num_steps)
    return pd.DataFrame(
        {"init": init, "seed": seed, "step": step, "distance": distances[step, column].item()}
        for column, (init, seed) in enumerate(keys)
        for step in recorded_steps(num_steps)
    )


# --- Collinear columns ---

TOTALS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {  # of square feet, each with the columns that add up to it
    "living area": ("area", ("X1st.Flr.SF", "X2nd.Flr.SF", "Low.Qual.Fin.SF")),
    "basement": ("Total.Bsmt.SF", ("BsmtFin.SF.1", "BsmtFin.SF.2", "Bsmt.Unf.SF")),
}


def by_inverse(A: Tensor, y: Tensor) -> Tensor | None:
    """W = (A'A)^-1 A'y, word for word; None where the inverse is refused."""
    inverse, info = torch.linalg.inv_ex(A.T @ A)
    return None if int(info) else inverse @ (A.T @ y)


METHODS: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor | None]]] = {
    "inverse": by_inverse,
    # A^+ y (Penrose, 1955); singular values below max(examples, columns) * 2^-52 of the largest count as 0
    "pseudo-inverse": lambda A, y: torch.linalg.pinv(A) @ y,
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
    """A row per table, method and quantity (see `measured_solution`)."""
    rows = []
    for name, (A, independent, y) in problems(table).items():
        least = sum_of_squares(independent, by_qr(independent, y), y)  # these columns span the same space
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
