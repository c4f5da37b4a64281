"""Stacks of classifiers that are trained with squared error on one-hot labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.tuning.stacks import Images, Member, Minibatch, Order, Recipe, Stack


@dataclass(frozen=True)
class SquaredErrorRecipe(Recipe):
    """A recipe whose loss is squared error, whatever `loss` says."""


class SquaredErrorStack(Stack):
    def loss(self, batch: Minibatch) -> Tensor:
        """Half the squared distance of each member's outputs to the labels' unit vectors, on average; (members,).

        Outputs of tanh reach from -1 to 1, and so do the labels then: -1 for every class but the right one.
        """
        outputs = self.outputs(batch.features, training=True)
        wanted = F.one_hot(batch.targets, outputs.shape[2]).to(outputs.dtype)
        if self.recipe.output == "tanh":
            wanted = 2 * wanted - 1
        return (outputs - wanted).square().sum(2).mean(1) / 2


def train_squared(images: Images, recipe: SquaredErrorRecipe, members: Sequence[Member]) -> Stack:
    """As `train_stack`, with squared error."""
    stack = SquaredErrorStack.new(recipe, members, images.features.shape[1], images.num_classes)
    order, num_steps = Order(images, members, recipe.batch_size), recipe.num_steps(images.num_train)
    for step in range(1, num_steps + 1):
        stack.step(order.next(), 1 - (step - 1) / num_steps if recipe.decay else 1.0, step)
    return stack
