"""Training of a stack by whole epochs, scored on each member's validation split after every epoch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.training.networks import EVALUATION_BATCH, Scores
from dlstudy.tuning.stacks import Images, Member, Order, Recipe, Stack, scores_on_test


@dataclass(frozen=True)
class Trained:
    """A trained stack: its members' validation scores by epoch, epoch 0 before training, and test accuracies."""

    members: tuple[Member, ...]
    epochs: tuple[tuple[Scores, ...], ...]  # (epochs, members)
    test_accuracies: tuple[float, ...]


def train(images: Images, recipe: Recipe, members: Sequence[Member], *, enough: float = 1.0) -> Trained:
    """As many epochs as the recipe says, or fewer: it ends once every member's validation accuracy is above `enough`.

    The test split is scored once, after the last epoch.
    """
    stack = Stack.new(recipe, members, images.pool.features.shape[1], images.num_classes)
    order, num_steps = Order(images, members, recipe.batch_size), math.ceil(images.num_train / recipe.batch_size)
    last = num_steps * recipe.num_epochs if recipe.decay else math.inf  # where the learning rate is 0
    epochs = [validation_scores(stack, images)]
    while len(epochs) <= recipe.num_epochs and not all(scores.accuracy > enough for scores in epochs[-1]):
        for number in range((len(epochs) - 1) * num_steps, len(epochs) * num_steps):
            stack.step(order.next(), 1 - number / last, number + 1)
        epochs.append(validation_scores(stack, images))
    return Trained(tuple(members), tuple(epochs), tuple(score.accuracy for score in scores_on_test(stack, images)))


@torch.no_grad()
def validation_scores(stack: Stack, images: Images) -> tuple[Scores, ...]:
    """The cross-entropy and the accuracy of each member on its own validation split."""
    rows = torch.stack([images.division(member.seed)[1] for member in stack.members])  # (members, images)
    losses, num_right = torch.zeros(len(rows), dtype=torch.float64), torch.zeros(len(rows), dtype=torch.int64)
    for chosen in rows.split(EVALUATION_BATCH, 1):
        outputs, targets = stack.outputs(images.pool.features[chosen]), images.pool.targets[chosen]
        each = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
        losses += each.view(targets.shape).double().sum(1)
        num_right += (outputs.argmax(2) == targets).sum(1)
    pairs = zip(losses.tolist(), num_right.tolist(), strict=True)
    return tuple(Scores(loss / rows.shape[1], right / rows.shape[1]) for loss, right in pairs)
