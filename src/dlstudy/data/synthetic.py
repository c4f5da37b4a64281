"""A linear problem with a known answer: y = X w + b + noise, X standard normal."""

import torch

from dlstudy.core.base.dataset import Dataset, Scale, Split
from dlstudy.core.base.randomness import generator
from dlstudy.data.params import SyntheticParams


def draw(num_examples: int, params: SyntheticParams, purpose: str) -> Split:
    """Examples with features (examples, weights) and targets (examples,), float64."""
    stream = generator(params.seed, purpose)
    weights = torch.tensor(params.weights, dtype=torch.float64)
    features = torch.randn(num_examples, len(weights), generator=stream, dtype=torch.float64)
    noise = torch.randn(num_examples, generator=stream, dtype=torch.float64)
    return Split(features, features @ weights + params.bias + params.noise_std * noise)


def prepare(params: SyntheticParams) -> Dataset:
    """The three splits, each from a random stream of its own."""
    train = draw(params.train_size, params, "synthetic train")
    return Dataset(
        task="regression",
        train=train,
        validation=draw(params.validation_size, params, "synthetic validation"),
        test=draw(params.test_size, params, "synthetic test"),
        feature_scale=Scale.of(train.features),
        target_scale=Scale.of(train.targets),
        feature_names=tuple(f"x{index}" for index in range(1, len(params.weights) + 1)),
        target_name="y",
    )


def facts(dataset: Dataset) -> dict[str, object]:
    """What the data sheet says: sizes."""
    return {"num_examples": dataset.num_examples}
