import math

import numpy as np
import pytest
import torch
from scipy import optimize, special
from sklearn import metrics
from sklearn.calibration import calibration_curve

from dlstudy.core.calibration import TEMPERATURE_RANGE, chance_ece, ece, fit_temperature, nll, reliability

EXACT = 1e-12  # relative; the same formula in float64, summed in another order
LABELS = list(range(5))


@pytest.fixture
def logits() -> torch.Tensor:
    """400 images of 5 classes, in float32 as networks give them; twice too sure."""
    return 4 * torch.randn(400, 5, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def classes(logits) -> torch.Tensor:
    """Drawn by the probabilities of half the logits."""
    return draw((logits / 2).softmax(1), seed=2)


def draw(probabilities: torch.Tensor, seed: int) -> torch.Tensor:
    return torch.multinomial(probabilities, 1, generator=torch.Generator().manual_seed(seed)).squeeze(1)


def of_probabilities(*probabilities: float) -> torch.Tensor:
    """Logits of two classes, the first with the given probabilities."""
    first = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([first, 1 - first], dim=1).log()


# --- Likelihood and temperature ---


def test_the_negative_log_likelihood_is_scikit_learns(logits, classes):
    expected = metrics.log_loss(classes, special.softmax(logits.double().numpy(), axis=1), labels=LABELS)
    assert nll(logits, classes) == pytest.approx(expected, rel=EXACT)


def test_the_temperature_gives_the_share_that_is_right():
    # two outputs 3 apart, right 4 times of 5: the likelihood is largest where sigmoid(3 / T) = 4/5, T = 3 / ln 4
    logits = torch.tensor([[3.0, 0.0]]).repeat(5, 1)
    assert fit_temperature(logits, torch.tensor([0, 0, 0, 1, 0])) == pytest.approx(3 / math.log(4), rel=1e-10)


def test_the_temperature_is_the_one_that_minimises_the_likelihood(logits, classes):
    def loss(log_temperature: float) -> float:
        return nll(logits.double() / math.exp(log_temperature), classes)

    found = optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    # a minimum found by values alone is right to the root of their rounding, about 1e-8
    assert math.log(fit_temperature(logits, classes)) == pytest.approx(found.x, abs=1e-6)
    assert 1.5 < fit_temperature(logits, classes) < 2.5  # 2 by construction, but for the draw of the classes


def test_the_temperature_grows_with_the_logits_and_ignores_a_shift(logits, classes):
    expected = fit_temperature(logits, classes)
    # the root is found to 1e-12 of its logarithm, on a slope that is rounded to some 1e-16
    assert fit_temperature(4 * logits, classes) == pytest.approx(4 * expected, rel=1e-10)
    assert fit_temperature(logits.double() + 7, classes) == pytest.approx(expected, rel=1e-10)


def test_where_all_is_right_the_lowest_temperature_is_best():
    logits = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    assert fit_temperature(logits, torch.tensor([0, 1])) == TEMPERATURE_RANGE[0]


def test_where_guessing_would_be_better_the_highest_temperature_is_best():
    logits = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    assert fit_temperature(logits, torch.tensor([1, 0])) == TEMPERATURE_RANGE[1]


# --- Calibration error ---


def test_the_bins_of_a_case_worked_by_hand():
    logits = of_probabilities(0.9, 0.9, 0.55, 0.45)  # the last is sure of the second class, to 0.55
    classes = torch.tensor([0, 1, 0, 1])
    table = reliability(logits, classes, num_bins=5)
    assert table["bin"].tolist() == [2, 4]
    assert table["num"].tolist() == [2, 2]
    np.testing.assert_allclose(table["low"], [0.4, 0.8], rtol=EXACT)
    np.testing.assert_allclose(table["high"], [0.6, 1.0], rtol=EXACT)
    np.testing.assert_allclose(table["confidence"], [0.55, 0.9], rtol=EXACT)
    assert table["accuracy"].tolist() == [1.0, 0.5]
    assert ece(logits, classes, num_bins=5) == pytest.approx((2 * 0.45 + 2 * 0.4) / 4, rel=EXACT)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below_and_certainty_to_the_last():
    logits = torch.tensor([[0.0, 0.0], [900.0, 0.0]])  # probabilities 1/2 and, in float64, exactly 1
    assert reliability(logits, torch.tensor([0, 0]), num_bins=4)["bin"].tolist() == [1, 3]


def test_the_bins_are_scikit_learns(logits, classes):
    confidence, predicted = logits.double().softmax(1).max(1)
    accuracy, mean_confidence = calibration_curve(predicted == classes, confidence, n_bins=15)
    table = reliability(logits, classes)
    np.testing.assert_allclose(table["accuracy"], accuracy, rtol=EXACT)
    np.testing.assert_allclose(table["confidence"], mean_confidence, rtol=EXACT)
    assert table["num"].sum() == 400


def test_the_error_is_that_of_a_loop_over_bins(logits, classes):
    confidence, predicted = (values.numpy() for values in logits.double().softmax(1).max(1))
    right, expected = predicted == classes.numpy(), 0.0
    for low, high in zip(np.linspace(0, 1, 16)[:-1], np.linspace(0, 1, 16)[1:], strict=True):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert ece(logits, classes) == pytest.approx(expected, rel=EXACT)


def test_division_by_the_temperature_mends_logits_that_are_too_large():
    logits = 3 * torch.randn(20_000, 5, generator=torch.Generator().manual_seed(3))
    classes = draw((logits / 3).softmax(1), seed=4)
    scaled = logits.double() / fit_temperature(logits, classes)
    assert ece(logits, classes) > 0.1
    assert ece(scaled, classes) < 2 * chance_ece(scaled)  # the error itself spreads by some third


def test_chance_gives_the_error_of_classes_that_follow_the_probabilities(logits):
    probabilities = logits.double().softmax(1)
    errors = [ece(logits, draw(probabilities, seed)) for seed in range(200)]
    # the mean of 200 draws spreads by 2 %; that few images in a bin are not quite normal adds about as much
    assert chance_ece(logits) == pytest.approx(np.mean(errors), rel=0.08)
