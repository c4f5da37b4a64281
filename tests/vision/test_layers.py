"""The layers of the networks against PyTorch's own, in float64: the same function, the same gradients."""

import copy

import pytest
import torch
from torch import nn

from dlstudy.core.base.randomness import generator
from dlstudy.vision.layers import Convolution, Geometry, Linear, with_own_layers

EXACT = {"rtol": 0, "atol": 1e-10}  # the same sums in another order

CONVOLUTIONS = [  # inputs, outputs, side, kernel, stride, padding: the kinds that the three networks have, made narrow
    (1, 4, 28, 7, 2, 3),
    (1, 4, 64, 11, 4, 2),
    (3, 4, 9, 3, 1, 1),
    (20, 4, 9, 3, 1, 1),
    (20, 4, 8, 3, 2, 1),
    (20, 4, 7, 5, 1, 2),
    (20, 4, 4, 3, 1, 1),
    (20, 4, 4, 1, 2, 0),
    (20, 4, 2, 3, 2, 1),
    (20, 4, 1, 3, 1, 1),
]


def draws(*shape):
    return torch.randn(*shape, generator=generator(0, "images"), dtype=torch.float64)


def assert_same(plain, inputs):
    ours = with_own_layers(nn.Sequential(copy.deepcopy(plain)))
    mine, theirs = (inputs.clone().requires_grad_() for _ in range(2))
    outputs, expected = ours(mine), plain(theirs)
    assert torch.allclose(outputs, expected, **EXACT)
    for found in (outputs, expected):
        (found * draws(*found.shape)).sum().backward()
    assert torch.allclose(mine.grad, theirs.grad, **EXACT)
    for own, other in zip(ours.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(own.grad, other.grad, **EXACT)
        assert own.grad.stride() == own.stride()  # else the optimiser copies it


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("inputs", "outputs", "side", "kernel", "stride", "padding"), CONVOLUTIONS)
def test_a_convolution_is_pytorchs_with_its_gradients(inputs, outputs, side, kernel, stride, padding, bias):
    plain = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias).double()
    images = draws(3, inputs, side, side).contiguous(memory_format=torch.channels_last)
    assert_same(plain.to(memory_format=torch.channels_last), images)


@pytest.mark.parametrize("bias", [False, True])
def test_a_linear_layer_is_pytorchs_with_its_gradients(bias):
    assert_same(nn.Linear(6, 4, bias=bias).double(), draws(5, 6))


def test_taps_see_the_pixels_that_a_walk_over_all_outputs_finds():
    geometry = Geometry(inputs=5, kernel=3, stride=2, padding=1)
    seen = {(tap, output, 2 * output + tap - 1) for tap in range(3) for output in range(3)}
    expected = {each for each in seen if 0 <= each[2] < 5}
    found = {
        (tap, output, pixel)
        for tap, pixels, outputs in geometry.taps()
        for pixel, output in zip(range(5)[pixels], range(3)[outputs], strict=True)
    }
    assert found == expected


def test_taps_are_used_where_padding_is_much_of_the_work():
    assert Geometry(inputs=2, kernel=3, stride=1, padding=1).suits_taps  # 5 of 9 products are of padding
    assert not Geometry(inputs=16, kernel=3, stride=1, padding=1).suits_taps  # 8 %


def test_only_layers_that_these_can_replace_are_replaced():
    network = nn.Sequential(nn.Conv2d(2, 2, 3, groups=2), nn.Conv2d(2, 2, 3, dilation=2), nn.Conv2d(2, 2, 3))
    network.append(nn.Linear(2, 2))
    assert [type(each) for each in with_own_layers(network)] == [nn.Conv2d, nn.Conv2d, Convolution, Linear]
