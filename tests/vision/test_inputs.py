import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from dlstudy.core.base.randomness import generator
from dlstudy.vision.networks import AUGMENTATIONS, InputFormat, augmented, format_of, network_inputs
from tests.vision.test_vision_networks import RESNET

IMAGENET = InputFormat(40, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_grey_inputs_are_standardised_by_the_training_split(images):
    inputs = network_inputs(images.train.features, format_of(RESNET, images))
    expected = images.standardised(images.train).features
    assert inputs.shape == (200, 1, 28, 28)
    assert torch.allclose(inputs.flatten(1), expected, atol=1e-5)


def test_three_channels_are_the_same_image_each_with_its_own_scale(images):
    inputs = network_inputs(images.test.features, IMAGENET)
    assert inputs.shape == (70, 3, 40, 40)
    shades = [inputs[:, channel] * IMAGENET.std[channel] + IMAGENET.mean[channel] for channel in range(3)]
    assert torch.allclose(shades[0], shades[1], atol=1e-6)
    assert torch.allclose(shades[0], shades[2], atol=1e-6)


def test_resizing_is_bilinear(images):
    pixels = images.test.features.unsqueeze(1).float()
    expected = F.interpolate(pixels, size=(40, 40), mode="bilinear", antialias=True)
    inputs = network_inputs(images.test.features, InputFormat(40, (0.0,), (1.0,)))
    assert (255 * inputs - expected).abs().max() < 1e-3


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_an_augmentation_follows_its_stream_and_leaves_the_global_one_alone(images, name):
    pixels = images.train.features[:20]
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, again, other = (augmented(pixels, [name], generator(seed, "a")) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first.shape, first.dtype) == (pixels.shape, torch.uint8)


def test_images_are_changed_each_for_itself(images):
    pixels = images.train.features[:1].expand(40, -1, -1)
    changed = augmented(pixels, ["flip"], generator(0, "a"))
    flipped = (changed == pixels[0].flip(1)).all(dim=(1, 2))
    assert 5 < flipped.sum() < 35
    assert torch.equal(changed[~flipped], pixels[~flipped])


def test_without_augmentation_images_stay_as_they_are(images):
    assert augmented(images.test.features, [], generator(0, "a")) is images.test.features
