"""The study's own loop, by its own functions."""

import math
from collections.abc import Callable

from bench.setting import PREPARED, ModelName, model_params
from dlstudy.core.base.dataset import Split, load_dataset
from dlstudy.core.networks import cross_entropy
from dlstudy.sgd.loop import learning_rates, minibatches, start_run, train_epoch


def load(model: ModelName) -> Callable[[int], None]:
    """A function that trains one epoch on the first so many images."""
    params, dataset = model_params(model), load_dataset(PREPARED)
    images = dataset.standardised(dataset.train)
    network, order = start_run(dataset, params, seed=0)

    def epoch(num_images: int) -> None:
        split = Split(images.features[:num_images], images.targets[:num_images])
        rates = learning_rates(params.lr, math.ceil(num_images / params.batch_size))
        train_epoch(network, split, cross_entropy, minibatches(num_images, params.batch_size, order), rates)

    return epoch
