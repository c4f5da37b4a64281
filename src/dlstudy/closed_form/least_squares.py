"""Linear regression solved at once, by least squares."""

import torch
from torch import Tensor

from dlstudy.core.base.dataset import Dataset
from dlstudy.core.networks import Epoch, Run, build_network, scores, squared_loss

SEED = 0
"""The solution depends on no seed; its one run is filed under this one."""


def with_ones(X: Tensor) -> Tensor:
    """The features and a column of ones, whose coefficient is the intercept; (examples, features + 1)."""
    return torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1)


def by_lstsq(A: Tensor, y: Tensor) -> Tensor:
    """The w (columns,) that minimises |A w - y|^2; A (examples, columns), float64.

    By QR factorisation with pivoting (LAPACK's gelsy, as R and MATLAB do), which does not square the condition
    number of A as the normal equations do, and gives the solution of least norm where columns are collinear.
    """
    solution: Tensor = torch.linalg.lstsq(A, y.unsqueeze(1), driver="gelsy").solution
    return solution.squeeze(1)


def by_normal_equations(A: Tensor, y: Tensor) -> Tensor:
    """The same of A'A w = A'y, with A'A = L L' (Cholesky)."""
    factor = torch.linalg.cholesky(A.T @ A)
    return torch.cholesky_solve((A.T @ y).unsqueeze(1), factor).squeeze(1)


def least_squares(X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (features,) and bias () that minimise the sum of (X w + b - y)^2; X (examples, features), float64."""
    solution = by_lstsq(with_ones(X), y)
    return solution[:-1], solution[-1]


def fit(dataset: Dataset) -> Run:
    """The linear model of standardised features that fits the training split best, as a run without epochs."""
    train, validation = dataset.standardised(dataset.train), dataset.standardised(dataset.validation)
    weights, bias = least_squares(train.features, train.targets)
    network = build_network(dataset.num_features, (), 1, activation=None, dtype=dataset.dtype)
    network.load_state_dict({"0.weight": weights.unsqueeze(0), "0.bias": bias.unsqueeze(0)})
    epoch = Epoch(0, scores(network, train, squared_loss), scores(network, validation, squared_loss))
    return Run(SEED, dict(network.state_dict()), (epoch,))
