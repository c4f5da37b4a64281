"""The study's stack: several networks trained by one loop, as the ladder over activations trains them."""

from collections.abc import Callable
from dataclasses import replace

from bench.setting import PREPARED, ModelName, model_params
from dlstudy.core.base.dataset import load_dataset
from dlstudy.tuning.stacks import Images, Member, Order, Recipe, Stack


def load(model: ModelName, num_networks: int, num_seeds: int) -> Callable[[int], None]:
    """A function that trains every network one epoch on the first so many images of its seed's own order."""
    params, dataset = model_params(model), load_dataset(PREPARED)
    images = Images.of(dataset)
    activations = (str(params.activation),) * len(params.hidden)
    recipe = Recipe(params.hidden, activations, params.batch_size, num_epochs=1)
    members = [Member(number % num_seeds, params.init, params.lr) for number in range(num_networks)]
    stack = Stack.new(recipe, members, images.pool.features.shape[1], images.num_classes)

    def epoch(num_images: int) -> None:
        order = Order(replace(images, num_train=num_images), members, params.batch_size)
        num_steps = recipe.num_steps(num_images)
        for number in range(num_steps):
            stack.step(order.next(), 1 - number / num_steps, number + 1)

    return epoch
