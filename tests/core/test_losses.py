import math

import pytest
import torch
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from dlstudy.core.base.dataset import Split
from dlstudy.core.networks import EVALUATION_BATCH, cross_entropy, num_correct, outputs_of, scores, squared_loss


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


CLASSES = torch.arange(40) % 5


def test_cross_entropy_of_a_hand_worked_batch():
    # softmax(ln 1, ln 3) = (1/4, 3/4), softmax(0, 0) = (1/2, 1/2)
    logits = torch.tensor([[math.log(1), math.log(3)], [0.0, 0.0]], dtype=torch.float64)
    expected = (-math.log(3 / 4) - math.log(1 / 2)) / 2
    assert cross_entropy(logits, torch.tensor([1, 0])).item() == pytest.approx(expected, rel=1e-15)


def test_squared_loss_of_a_hand_worked_batch():
    outputs, targets = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 4.0, 2.0])
    assert squared_loss(outputs, targets).item() == pytest.approx((0 + 4 + 1) / 3 / 2, rel=1e-6)  # float32


def test_losses_agree_with_pytorchs():
    logits, outputs, targets = draw(40, 5), draw(40, 1, seed=1), draw(40, seed=2)
    torch.testing.assert_close(cross_entropy(logits, CLASSES), nn.CrossEntropyLoss()(logits, CLASSES))
    torch.testing.assert_close(squared_loss(outputs, targets), nn.MSELoss()(outputs.squeeze(1), targets) / 2)


def test_cross_entropy_agrees_with_scipy_where_exp_would_overflow():
    logits = draw(40, 5) * 1000
    expected = -log_softmax(logits.numpy(), axis=1)[range(40), CLASSES].mean()
    assert cross_entropy(logits, CLASSES).item() == pytest.approx(expected, rel=1e-12)


def test_gradients_are_error_over_batch_size():
    # Derived by hand: (softmax - one-hot) / n for cross-entropy, (output - target) / n for half the square.
    logits, outputs, targets = draw(40, 5).requires_grad_(), draw(40, 1, seed=1).requires_grad_(), draw(40, seed=2)
    (gradient,) = torch.autograd.grad(cross_entropy(logits, CLASSES), [logits])
    torch.testing.assert_close(gradient, (logits.softmax(1) - torch.eye(5)[CLASSES]).detach() / 40)
    (gradient,) = torch.autograd.grad(squared_loss(outputs, targets), [outputs])
    torch.testing.assert_close(gradient, (outputs - targets.unsqueeze(1)).detach() / 40)


def test_counts_what_is_classified_right():
    outputs = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    assert num_correct(outputs, torch.tensor([1, 1, 1])).item() == 2


def test_counts_nothing_where_targets_are_numbers():
    assert num_correct(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 2.0])).item() == 0


@pytest.mark.parametrize("num_examples", [1, EVALUATION_BATCH, 2 * EVALUATION_BATCH + 345])
def test_outputs_are_those_of_the_network_however_many_examples(num_examples):
    network, features = nn.Linear(3, 2, dtype=torch.float64), draw(num_examples, 3)
    outputs = outputs_of(network, features)
    torch.testing.assert_close(outputs, network(features).detach())  # batches may round otherwise
    assert not outputs.requires_grad


def test_the_squared_loss_of_classes_is_the_squared_distance_to_unit_vectors():
    outputs, classes = torch.tensor([[0.5, 0.0, 1.0], [0.0, 2.0, 0.0]]), torch.tensor([2, 1])
    # by hand: (0.25 + 0 + 0) / 2 and (0 + 1 + 0) / 2, and their mean
    assert squared_loss(outputs, classes).item() == pytest.approx((0.125 + 0.5) / 2)


def test_the_gradient_of_the_squared_loss_of_classes_is_the_distance_to_unit_vectors():
    outputs = draw(4, 3, seed=3).requires_grad_()
    classes = torch.tensor([0, 2, 1, 2])
    (gradient,) = torch.autograd.grad(squared_loss(outputs, classes), [outputs])
    torch.testing.assert_close(gradient, (outputs.detach() - torch.eye(3, dtype=outputs.dtype)[classes]) / 4)


def test_scores_of_a_classifier_agree_with_scikit_learns():
    network, features = nn.Linear(3, 5, dtype=torch.float64), draw(40, 3)
    found = scores(network, Split(features, CLASSES), cross_entropy)
    probabilities = network(features).softmax(1).detach().numpy()
    assert found.loss == pytest.approx(log_loss(CLASSES.numpy(), probabilities), rel=1e-12)
    assert found.accuracy == accuracy_score(CLASSES.numpy(), probabilities.argmax(1))


def test_scores_of_a_regression_are_its_loss_and_no_accuracy():
    network, features = nn.Linear(3, 1, dtype=torch.float64), draw(40, 3)
    found = scores(network, Split(features, draw(40, seed=2)), squared_loss)
    assert found.loss == squared_loss(network(features), draw(40, seed=2)).item()
    assert found.accuracy == 0
