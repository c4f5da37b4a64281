"""From grey images to what a network of torchvision takes, by torchvision's transforms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from dlstudy.core.dataset import Dataset


@dataclass(frozen=True)
class InputFormat:
    """What the first layer of a network expects of an image."""

    resolution: int  # pixels a side
    mean: tuple[float, ...]  # of each channel, where black is 0 and white is 1
    std: tuple[float, ...]


def grey_format(dataset: Dataset, resolution: int) -> InputFormat:
    """One channel, standardised by the training split."""
    scale = dataset.feature_scale
    return InputFormat(resolution, (scale.mean.item() / 255,), (scale.std.item() / 255,))


def network_inputs(images: Tensor, expected: InputFormat) -> Tensor:
    """uint8 images (images, rows, columns) as a network takes them: float32 (images, channels, resolution, resolution).

    Scaled to [0, 1], resized (bilinear, with antialiasing), repeated in each channel, then normalised. As whole numbers
    they would be resized by other arithmetic on other processors.
    """
    v2 = _v2()
    steps = [
        v2.ToDtype(torch.float32, scale=True),
        v2.Resize(expected.resolution, antialias=True),
        v2.Grayscale(len(expected.mean)),  # of an image that is grey: the same in each channel
        v2.Normalize(list(expected.mean), list(expected.std)),
    ]
    inputs: Tensor = v2.Compose(steps)(images.unsqueeze(1))
    return inputs.contiguous(memory_format=torch.channels_last)


# --- Augmentation ---

AUGMENTATIONS: Final[dict[str, Callable[[int], Any]]] = {
    "flip": lambda side: _v2().RandomHorizontalFlip(),
    "shift": lambda side: _v2().RandomCrop(side, padding=max(1, side // 14)),
    "rotation": lambda side: _v2().RandomRotation(10.0, interpolation=_v2().InterpolationMode.BILINEAR),
    "brightness": lambda side: _v2().ColorJitter(brightness=0.3, contrast=0.3),
    "erasing": lambda side: _v2().RandomErasing(),
}
"""Random changes of an image, by their name in params.yaml; from its pixels a side.

A piece of clothing stays what it is under all of them; a digit or a letter does not when it is flipped.
"""


def _v2() -> Any:
    from torchvision.transforms import v2

    return v2


def augmented(images: Tensor, names: Sequence[str], stream: torch.Generator) -> Tensor:
    """uint8 images (images, side, side), each changed at random by every augmentation named, in their order.

    torchvision draws from PyTorch's global random state: it is set from the stream, and afterwards is as before.
    """
    if not names:
        return images
    change = _v2().Compose([AUGMENTATIONS[name](images.shape[-1]) for name in names])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=stream)))
        return torch.cat([change(image.unsqueeze(0)) for image in images])
