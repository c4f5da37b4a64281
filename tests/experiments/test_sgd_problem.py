import pytest
import torch

from dlstudy.core.networks import squared_loss
from dlstudy.experiments.sgd_theory.descent import Problem


@pytest.fixture(scope="module")
def problem(known_line):
    return Problem.of(known_line)


def test_loss_and_gradient_are_those_of_the_study_and_of_autograd(problem):
    w = torch.tensor([0.3, -0.2, 0.7], dtype=torch.float64, requires_grad=True)
    loss = squared_loss((problem.X @ w).unsqueeze(1), problem.y)
    (gradient,) = torch.autograd.grad(loss, w)
    assert problem.loss(w.detach()) == pytest.approx(loss.item(), rel=1e-12)  # the same sum in another order
    torch.testing.assert_close(problem.gradient(w.detach()), gradient, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(problem.row_gradients(w.detach()).mean(0), gradient, rtol=1e-12, atol=1e-14)


def test_the_hessian_is_that_of_autograd(problem):
    loss = lambda w: squared_loss((problem.X @ w).unsqueeze(1), problem.y)  # noqa: E731
    hessian = torch.autograd.functional.hessian(loss, problem.optimum)
    torch.testing.assert_close(problem.hessian, hessian, rtol=1e-12, atol=1e-14)


def test_the_gradient_vanishes_at_the_optimum(problem):
    assert problem.gradient(problem.optimum).abs().max() < 1e-14  # rounding of values near 1


def test_the_rotated_problem_has_the_same_losses_and_a_diagonal_hessian(problem):
    values, vectors = problem.spectrum
    w = torch.tensor([0.3, -0.2, 0.7], dtype=torch.float64)
    assert problem.rotated.loss(w @ vectors) == pytest.approx(problem.loss(w), rel=1e-12)
    torch.testing.assert_close(problem.rotated.hessian, torch.diag(values), rtol=1e-12, atol=1e-14)
