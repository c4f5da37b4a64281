"""AlexNet, VGG and ResNet from torchvision.models, adapted to small grey images of ten classes.

What is adapted, and why:

- The last layer has an output for each class of the data; ImageNet has 1,000.
- Untrained, the first convolution takes one channel: a grey image has three equal ones, and a convolution of those is
  a convolution of one, with the sum of the three weights.
- Untrained, AlexNet and VGG average the last maps to 1 x 1, not to 6 x 6 or 7 x 7: of images so small little more is
  left by then, and torchvision's pool would copy it to fill the larger map. So their classifier begins with 256 or 512
  features and not with 9,216 or 25,088, and its layers are `classifier_width` wide, not 4,096: their weights would be
  nine tenths of the network.
- Convolutions and linear layers are computed by `vision.layers`: the same function, twice as fast.

A network that starts from pretrained weights keeps all its layers but the last. The images become what a network takes
by torchvision's transforms.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from dlstudy.core.base.dataset import Dataset
from dlstudy.core.base.published import WeightsError, weights_entry
from dlstudy.vision.layers import with_own_layers
from dlstudy.vision.params import VisionParams

# --- Inputs ---


@dataclass(frozen=True)
class InputFormat:
    """What the first layer of a network expects of an image."""

    resolution: int  # pixels a side
    mean: tuple[float, ...]  # of each channel, where black is 0 and white is 1
    std: tuple[float, ...]


def input_format(name: str, resolution: int) -> InputFormat:
    """What images have to look like for a network with these weights: colours as in the pictures it was trained on."""
    _, entry = weights_entry(name)
    transforms = entry.transforms()
    return InputFormat(resolution, tuple(transforms.mean), tuple(transforms.std))


def format_of(params: VisionParams, dataset: Dataset) -> InputFormat:
    """What the network of a model expects: untrained, one channel, standardised by the training split."""
    if params.weights is not None:
        return input_format(params.weights, params.resolution)
    scale = dataset.feature_scale
    return InputFormat(params.resolution, (scale.mean.item() / 255,), (scale.std.item() / 255,))


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


# --- Networks ---


def build_vision(params: VisionParams, num_classes: int) -> nn.Module:
    """The network of a model, its parameters drawn by torchvision from PyTorch's global random state.

    (batch, channels, resolution, resolution) -> (batch, classes).
    """
    from torchvision import models

    network: nn.Module = models.get_model(params.builder, weights=None)
    if params.weights is None:
        _take_one_channel(network)
        if params.classifier_width is not None:
            _narrow_the_classifier(network, params.classifier_width)
    name, last = last_linear(network)
    network.set_submodule(name, _redrawn(last, last.in_features, num_classes))
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = params.dropout
    return with_own_layers(network).to(memory_format=torch.channels_last)


def _take_one_channel(network: nn.Module) -> None:
    name, first = next((name, each) for name, each in network.named_modules() if isinstance(each, nn.Conv2d))
    same: Any = {key: getattr(first, key) for key in ("kernel_size", "stride", "padding")}
    replaced = nn.Conv2d(1, first.out_channels, bias=first.bias is not None, **same)
    summed = first.weight.sum(1, keepdim=True)  # three equal channels become one
    replaced.load_state_dict(first.state_dict() | {"weight": summed})
    network.set_submodule(name, replaced)


def _narrow_the_classifier(network: Any, width: int) -> None:
    """Every linear layer of AlexNet's or VGG's classifier drawn anew, with the initialiser of its kind."""
    network.avgpool = nn.AdaptiveAvgPool2d(1)
    num_features = [module.out_channels for module in network.features if isinstance(module, nn.Conv2d)][-1]
    linears = [index for index, module in enumerate(network.classifier) if isinstance(module, nn.Linear)]
    for index in linears:
        network.classifier[index] = _redrawn(network.classifier[index], num_features, width)
        num_features = width


def last_linear(network: nn.Module) -> tuple[str, nn.Linear]:
    """The last linear layer, which tells the classes apart, and its name; WeightsError if there is none."""
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Linear)]
    if not layers:
        kind = type(network).__name__
        raise WeightsError(f"{kind}: expected a network whose last layer is linear, found no linear layer")
    return layers[-1]


def _redrawn(layer: nn.Linear, num_inputs: int, num_outputs: int) -> nn.Linear:
    return nn.Linear(num_inputs, num_outputs, bias=layer.bias is not None)


EVALUATION_BATCH: Final = 50  # images: what a layer makes of more would leave the caches
EVALUATION_PIXELS: Final = EVALUATION_BATCH * 128**2
"""In a batch at most: of larger images the maps of 50 would take gigabytes, whose number each process multiplies."""


def evaluation_batch(resolution: int) -> int:
    """How many images of so many pixels a side are scored at a time."""
    return max(1, min(EVALUATION_BATCH, EVALUATION_PIXELS // resolution**2))


def outputs_of_images(network: nn.Module, images: Tensor, expected: InputFormat) -> Tensor:
    """The network's outputs (images, classes) in evaluation mode, for uint8 images (images, 28, 28)."""
    training = network.training
    network.eval()
    with torch.no_grad():
        batches = images.split(evaluation_batch(expected.resolution))
        outputs = torch.cat([network(network_inputs(batch, expected)) for batch in batches])
    network.train(training)
    return outputs


def outputs_of_run(
    dataset: Dataset, params: VisionParams, parameters: Mapping[int, dict[str, Tensor]], seed: int
) -> list[Tensor]:
    """The outputs of a trained run on the validation and the test images."""
    with torch.random.fork_rng(devices=[]):
        network = build_vision(params, dataset.num_outputs)
    network.load_state_dict(parameters[seed])
    expected = format_of(params, dataset)
    return [outputs_of_images(network, split.features, expected) for split in (dataset.validation, dataset.test)]
