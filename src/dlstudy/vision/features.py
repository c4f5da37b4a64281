"""What a frozen network makes of the images, before its last layer: a data set for models that take a moment to train.

Computed once and stored: softmax regression on it is what remains of transfer learning when only the last layer learns.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from dlstudy.core.dataset import Dataset, Scale, Split
from dlstudy.core.errors import DataError
from dlstudy.core.execution import map_runs
from dlstudy.core.params import ParamsError
from dlstudy.core.published import WeightsError
from dlstudy.vision.inputs import network_inputs
from dlstudy.vision.params import FeaturesParams
from dlstudy.vision.pretrained import State, body, input_format, pretrained_network

Array = np.ndarray[Any, Any]
Chunk = tuple[str, int]  # a split, and its first image

CHUNK: Final = 500  # images a run; always the same ones, whatever the number of processes
BATCH: Final = 50  # images at a time: what a layer makes of more would leave the caches


@torch.inference_mode()
def features_of(network: nn.Module, images: Tensor, params: FeaturesParams) -> Tensor:
    """A body's outputs (images, features), float32, for uint8 images (images, rows, columns)."""
    expected = input_format(params.weights, params.resolution)
    network = network.to(memory_format=torch.channels_last)  # twice as fast
    return torch.cat([network(network_inputs(batch, expected)).flatten(1) for batch in images.split(BATCH)])


def _chunk_features(
    images: Mapping[str, Array], state: Mapping[str, Array], params: FeaturesParams, chunk: Chunk
) -> Array:
    """A run: features of one chunk, by a network of its own."""
    split, start = chunk
    # Copies: kernels may depend on where a tensor begins, and what is mapped into memory begins elsewhere.
    own = {key: torch.from_numpy(values).clone() for key, values in state.items()}
    chosen = torch.from_numpy(images[split][start : start + CHUNK]).clone()
    found: Array = features_of(body(pretrained_network(params.weights, own)), chosen, params).numpy()
    return found


def frozen_features(dataset: Dataset, params: FeaturesParams, state: State, *, label: str) -> Dataset:
    """The data set of features: `num_images` for training, all for validation and test, in their order.

    Raises ParamsError when the network takes no images of that resolution, or there are too few.
    """
    if params.num_images > len(dataset.train):
        raise ParamsError(
            f"features.{label}.num_images: expected at most {len(dataset.train)}, the training split, "
            f"found {params.num_images}"
        )
    _try(dataset.test.features[:1], params, state, label)
    used = {
        name: _first(split, params.num_images if name == "train" else None) for name, split in dataset.splits.items()
    }
    images = {name: split.features.numpy() for name, split in used.items()}
    weights = {key: values.numpy() for key, values in state.items()}
    chunks = [(name, start) for name, split in used.items() for start in range(0, len(split), CHUNK)]
    runs = map_runs(_chunk_features, chunks, label=label, shared=(images, weights, params))
    features = {
        name: torch.from_numpy(np.concatenate([run for (of, _), run in zip(chunks, runs, strict=True) if of == name]))
        for name in used
    }
    return _dataset(dataset, {name: Split(features[name], split.targets) for name, split in used.items()}, label)


def _try(image: Tensor, params: FeaturesParams, state: State, label: str) -> None:
    """Refuse before the work a network without a last linear layer, and images of a size that it does not take."""
    try:
        network = body(pretrained_network(params.weights, state))
    except WeightsError as error:
        raise ParamsError(f"features.{label}.weights: {error}") from None
    try:
        features_of(network, image, params)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ParamsError(
            f"features.{label}.resolution: expected one that the network of {params.weights} takes, "
            f"found {params.resolution}: {error}"
        ) from None


def _first(split: Split, num: int | None) -> Split:
    return Split(split.features[:num].contiguous(), split.targets[:num].clone())


def _dataset(images: Dataset, splits: Mapping[str, Split], label: str) -> Dataset:
    for name, split in splits.items():
        if not split.features.isfinite().all():
            raise DataError(
                f"{label}: expected finite features of the {name} split, found others: weights for other uses?"
            )
    return Dataset(
        task="classification",
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        feature_scale=feature_scale(splits["train"].features),
        target_scale=None,
        feature_names=("feature",),
        target_name=images.target_name,
        class_names=images.class_names,
        images=images.test_images,
    )


def feature_scale(features: Tensor) -> Scale:
    """The scale of each column; a column that never varies, such as a dead ReLU's, is only shifted to 0.

    On the training split it is 0 then, and so is the gradient of its weights: they stay at their initial values.
    """
    columns = features.double()
    varies = (features != features[0]).any(0)
    std = torch.where(varies, columns.std(0, correction=0), 1.0)
    return Scale(columns.mean(0), std)
