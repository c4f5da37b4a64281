import pytest
import torch
from torchvision import models

from dlstudy.core.base.randomness import generator
from dlstudy.vision.networks import build_vision, evaluation_batch, format_of, network_inputs, outputs_of_images
from dlstudy.vision.params import VisionParams

RESNET = VisionParams(
    method="vision",
    data="images",
    builder="resnet18",
    weights=None,
    resolution=28,
    classifier_width=None,
    dropout=0.0,
    num_images=48,
    num_validation_images=20,
    num_epochs=2,
    looks=2,
    batch_size=16,
    optimiser="adam",
    lr=0.001,
    warmup=0.25,
    momentum=0.9,
    weight_decay=0.01,
    augmentation=(),
    num_seeds=2,
)
ALEXNET = RESNET.model_copy(update={"builder": "alexnet", "resolution": 63, "classifier_width": 32, "dropout": 0.5})
VGG = RESNET.model_copy(update={"builder": "vgg11", "resolution": 32, "classifier_width": 32})
VGG_BN = VGG.model_copy(update={"builder": "vgg11_bn"})


def num_parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def draws(*shape):
    return torch.randn(*shape, generator=generator(0, "images"))


@pytest.mark.parametrize("params", [RESNET, ALEXNET, VGG, VGG_BN], ids=lambda params: params.builder)
def test_a_network_scores_ten_classes_of_the_smallest_grey_images_that_it_takes(params):
    network = build_vision(params, 10).eval()
    assert network(draws(2, 1, params.resolution, params.resolution)).shape == (2, 10)


@pytest.mark.parametrize(
    ("params", "ours"),
    [
        # torchvision's own, less what ImageNet needs: two of three channels; outputs 11 to 1000
        (RESNET, 11_689_512 - 2 * 64 * 49 - 990 * 513),
        # the convolutions, less two channels of the first; then 256-32-32-10, not 9216-4096-4096-1000
        (ALEXNET, 2_469_696 - 2 * 64 * 121 + 257 * 32 + 33 * 32 + 33 * 10),
        (VGG, 9_220_480 - 2 * 64 * 9 + 513 * 32 + 33 * 32 + 33 * 10),
    ],
    ids=["resnet18", "alexnet", "vgg11"],
)
def test_an_adapted_network_has_the_parameters_that_are_left(params, ours):
    assert num_parameters(build_vision(params, 10)) == ours


@pytest.mark.parametrize("params", [RESNET, VGG], ids=["resnet18", "vgg11"])
def test_one_channel_does_what_torchvisions_network_does_with_three_equal_ones(params):
    torch.manual_seed(3)
    theirs = models.get_model(params.builder, weights=None)  # draws first of all what build_vision draws first of all
    torch.manual_seed(3)
    ours = build_vision(params, 10)
    name = "conv1" if params.builder == "resnet18" else "features.0"
    grey = draws(2, 1, 32, 32)
    expected = theirs.get_submodule(name)(grey.expand(-1, 3, -1, -1))
    assert torch.allclose(ours.get_submodule(name)(grey), expected, atol=1e-5)


def test_a_network_that_starts_from_weights_keeps_everything_but_its_last_layer():
    params = RESNET.model_copy(update={"weights": "ResNet18_Weights.IMAGENET1K_V1"})
    shapes = {name: value.shape for name, value in build_vision(params, 10).state_dict().items()}
    theirs = {name: value.shape for name, value in models.resnet18().state_dict().items()}
    assert shapes.keys() == theirs.keys()
    assert {name for name in shapes if shapes[name] != theirs[name]} == {"fc.weight", "fc.bias"}


def test_outputs_are_those_of_evaluation_and_leave_the_network_as_it_was(images):
    network = build_vision(ALEXNET, 10).train()  # has dropout
    expected = format_of(ALEXNET, images)
    outputs = outputs_of_images(network, images.test.features, expected)
    assert network.training
    at_once = network.eval()(network_inputs(images.test.features, expected)).detach()
    torch.testing.assert_close(outputs, at_once)  # products of other sizes round otherwise


def test_a_batch_of_larger_images_has_fewer_of_them():
    assert [evaluation_batch(side) for side in (28, 64, 128, 224, 512)] == [50, 50, 50, 16, 3]
