"""Networks of torchvision with published weights: loaded without running any code, to start from or used frozen.

What a frozen network makes of the images, before its last layer, is a data set for models that take a moment to train;
it is computed once and stored. Softmax regression on it is what remains of transfer learning when only the last layer
learns.
"""

import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from dlstudy.core.base.dataset import Dataset, Scale, Split
from dlstudy.core.base.errors import DataError
from dlstudy.core.base.params import ParamsError
from dlstudy.core.base.published import WeightsError, published_weights, verify, weights_entry
from dlstudy.core.execution import map_runs
from dlstudy.vision.networks import EVALUATION_BATCH, input_format, last_linear, network_inputs
from dlstudy.vision.params import FeaturesParams

State = dict[str, Tensor]
"""A network's state_dict."""

MOST_TOLD: Final = 5  # tensors that do not fit, in a message
CHUNK: Final = 500  # images a run of a frozen network; always the same ones, whatever the number of processes

Array = np.ndarray[Any, Any]


# --- Files ---


def load_state(path: Path, name: str) -> State:
    """The tensors in a file of published weights, all that their network has and in its shapes.

    WeightsError if the file has another checksum than its published name says, holds anything but tensors, or tensors
    that are not those of the network, or not finite, as where only some layers are published (IMAGENET1K_FEATURES).
    """
    weights = published_weights(name)
    verify(path, weights)
    # The files of DenseNets are older than the names of their layers: norm.1 is norm1 today.
    old_name = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d\.)")
    state = {old_name.sub(r"\1\2", key): value for key, value in _tensors_in(path).items()}
    expected = _empty_network(name).state_dict()
    for key in expected.keys() - state.keys():
        if key.endswith("num_batches_tracked"):  # counts for training only, which older files do not have
            state[key] = torch.zeros((), dtype=torch.int64)
    if problems := list(misfits(expected, state)):
        raise WeightsError(f"{path}: expected the tensors of {weights.builder}, found {_listed(problems)}")
    if broken := [key for key, value in state.items() if not value.isfinite().all()]:
        raise WeightsError(f"{path}: expected finite weights of all layers, found others in {_listed(broken)}")
    return {key: state[key].detach() for key in expected}


def _tensors_in(path: Path) -> State:
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{path}: expected tensors by their names and no code, found: {reason}") from None
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise WeightsError(f"{path}: expected tensors by their names, found {type(content).__name__}")
    return dict(content)


def misfits(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    """What is wrong with each tensor that is missing, too many or of another shape."""
    for key, value in expected.items():
        if key not in found:
            yield f"no {key}"
        elif found[key].shape != value.shape:
            yield f"{key} of shape {tuple(found[key].shape)}, not {tuple(value.shape)}"
    yield from (f"{key}, which it does not have" for key in found if key not in expected)


def _listed(problems: list[str]) -> str:
    rest = len(problems) - MOST_TOLD
    return "; ".join(problems[:MOST_TOLD]) + (f"; and {rest} more" if rest > 0 else "")


# --- Networks ---


def _empty_network(name: str) -> nn.Module:
    """The network of the weights' builder; its parameters are not what they will be, and nothing random is drawn."""
    from torchvision import models

    builder, entry = weights_entry(name)
    options: dict[str, Any] = {}
    if builder in ("googlenet", "inception_v3"):  # what torchvision itself says where they get published weights
        options = {"transform_input": True, "aux_logits": True, "init_weights": False}
    if categories := entry.meta["categories"]:
        options["num_classes"] = len(categories)
    if builder.startswith("vit_"):  # it learns an embedding for every position
        options["image_size"] = entry.meta["min_size"][0]
    try:
        with torch.device("meta"):  # no memory, no initialisation
            network: nn.Module = models.get_model(builder, weights=None, **options)
    except NotImplementedError:  # RegNets compute their widths by tensors
        with torch.random.fork_rng(devices=[]):
            network = models.get_model(builder, weights=None, **options)
    return network


def pretrained_network(name: str, state: Mapping[str, Tensor]) -> nn.Module:
    """The network of the weights' builder with them, in evaluation mode; it shares the memory of `state`."""
    network = _empty_network(name)
    network.load_state_dict(dict(state), assign=True)
    return network.eval()


def body(network: nn.Module) -> nn.Module:
    """The network up to the input of its last linear layer, which is replaced in place by nothing."""
    name, _ = last_linear(network)
    network.set_submodule(name, nn.Identity())
    return network


def start_from(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy pretrained tensors into a network of the same builder, all but those of its last linear layer.

    WeightsError names tensors that do not fit.
    """
    last, _ = last_linear(network)
    own = {f"{last}.weight", f"{last}.bias"}
    expected, found = (
        {key: value for key, value in tensors.items() if key not in own} for tensors in (network.state_dict(), state)
    )
    if problems := list(misfits(expected, found)):
        kind = type(network).__name__
        raise WeightsError(f"{kind}: expected the weights of a network like it, found {_listed(problems)}")
    network.load_state_dict(found, strict=False)


# --- A frozen network ---


@torch.inference_mode()
def features_of(network: nn.Module, images: Tensor, params: FeaturesParams) -> Tensor:
    """A body's outputs (images, features), float32, for uint8 images (images, rows, columns)."""
    expected = input_format(params.weights, params.resolution)
    network = network.to(memory_format=torch.channels_last)  # twice as fast
    return torch.cat([network(network_inputs(batch, expected)).flatten(1) for batch in images.split(EVALUATION_BATCH)])


def _chunk_features(
    images: Mapping[str, Array], state: Mapping[str, Array], params: FeaturesParams, chunk: tuple[str, int]
) -> Array:
    """A run: features of one chunk (a split, and its first image), by a network of its own."""
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
    used = dataset.splits | {"train": dataset.train.first(params.num_images)}
    images = {name: split.features.numpy() for name, split in used.items()}
    weights = {key: values.numpy() for key, values in state.items()}
    chunks = [(name, start) for name, split in used.items() for start in range(0, len(split), CHUNK)]
    runs = map_runs(_chunk_features, chunks, label=label, shared=(images, weights, params))
    splits = {}
    for name, split in used.items():
        own = [run for (of, _), run in zip(chunks, runs, strict=True) if of == name]
        features = torch.from_numpy(np.concatenate(own))
        if not features.isfinite().all():
            raise DataError(
                f"{label}: expected finite features of the {name} split, found others: weights for other uses?"
            )
        splits[name] = Split(features, split.targets.clone())  # of a view, all that it is a view of would be written
    return replace(
        dataset,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        feature_scale=feature_scale(splits["train"].features),
        feature_names=("feature",),
        images=dataset.test_images,
    )


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


def feature_scale(features: Tensor) -> Scale:
    """The scale of each column; a column that never varies, such as a dead ReLU's, is only shifted to 0.

    On the training split it is 0 then, and so is the gradient of its weights: they stay at their initial values.
    """
    columns = features.double()
    varies = (features != features[0]).any(0)
    std = torch.where(varies, columns.std(0, correction=0), 1.0)
    return Scale(columns.mean(0), std)
