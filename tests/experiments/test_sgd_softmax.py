import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.base.randomness import generator
from dlstudy.experiments.sgd_theory.descent import (
    PRECISION,
    Perturbation,
    Softmax,
    critical_row,
    curvature_rows,
    curve_rows,
)


@pytest.fixture(scope="module")
def small():
    """40 examples of 3 features and a one, 4 classes: small enough for the whole Hessian."""
    stream = generator(0, "test")
    features = torch.rand(40, 3, generator=stream, dtype=torch.float64)
    X = torch.cat([features, torch.ones(40, 1, dtype=torch.float64)], 1)
    return Softmax(X, torch.arange(40) % 4, 4)


def loss_at(problem, flat):
    return F.cross_entropy(problem.X @ flat.reshape(problem.X.shape[1], -1), problem.classes)


@pytest.fixture(scope="module")
def somewhere():
    return torch.randn(4, 4, generator=generator(1, "test"), dtype=torch.float64)


def test_the_critical_rate_is_2_over_the_largest_eigenvalue_of_the_whole_hessian(small):
    hessian = torch.autograd.functional.hessian(lambda flat: loss_at(small, flat), small.zeros().flatten())
    largest = torch.linalg.eigvalsh(hessian)[-1].item()
    assert small.critical_rate == pytest.approx(2 / largest, rel=1e-10)


def test_gradients_are_those_of_autograd(small, somewhere):
    W = somewhere.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss_at(small, W), W)
    torch.testing.assert_close(small.gradient(somewhere), gradient, rtol=1e-12, atol=1e-14)
    less = small.gradient(somewhere) - small.gradient(small.zeros())
    torch.testing.assert_close(small.curvature_gradient(somewhere), less, rtol=1e-10, atol=1e-14)


def test_products_with_the_hessian_are_those_of_autograd(small, somewhere):
    hessian = torch.autograd.functional.hessian(lambda flat: loss_at(small, flat), somewhere.flatten())
    V = somewhere.flip(0)
    expected = (hessian @ V.flatten()).reshape(V.shape)
    torch.testing.assert_close(small.hessian_product(somewhere, V), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("seed", [0, 1])
def test_descents_on_images_find_the_predicted_rate(images, seed):
    problem = Softmax.of(images)
    row = critical_row(problem, seed, Perturbation(problem, seed).grows)
    assert row["measured"] == pytest.approx(row["predicted"], rel=2 * PRECISION)


def test_the_first_curvature_on_images_is_that_of_the_critical_rate(images):
    problem = Softmax.of(images)
    rows = curvature_rows(problem, 8, seed=0)
    assert [row["step"] for row in rows] == [0, 2, 4, 6, 8]
    # Power iteration from below: 30 steps leave a remainder where the next eigenvalue is near.
    assert rows[0]["largest_eigenvalue"] == pytest.approx(2 / problem.critical_rate, rel=1e-3)


def test_pixels_are_scaled_to_1_and_a_one_is_added(images):
    problem = Softmax.of(images, 10)
    assert problem.X.shape == (10, 785)
    assert problem.X[3, 28].item() == images.train.features[3, 1, 0].item() / 255
    assert (problem.X[:, -1] == 1).all()


def test_curves_start_at_the_entropy_of_a_guess(images):
    rows = [row for row in curve_rows(Softmax.of(images, 50), 3) if row["step"] == 0]
    assert len(rows) == 4
    for row in rows:
        assert row["loss"] == pytest.approx(torch.tensor(10.0, dtype=torch.float64).log().item(), rel=1e-12)
