import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.tuning.stacks import stacked_linear

MEMBERS, BATCH, INPUTS, OUTPUTS = 3, 7, 11, 5


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape) + sum(shape)))


@pytest.fixture
def layer():
    weight, bias = drawn(MEMBERS, OUTPUTS, INPUTS), drawn(MEMBERS, OUTPUTS)
    return weight.requires_grad_(), bias.requires_grad_()


@pytest.mark.parametrize("shape", [(MEMBERS, BATCH, INPUTS), (BATCH, INPUTS)])
def test_outputs_and_gradients_are_those_of_a_linear_layer_for_each_network(layer, shape):
    weight, bias = layer
    signal = drawn(*shape).requires_grad_(len(shape) == 3)
    outputs = stacked_linear(signal, weight, bias)
    direction = drawn(MEMBERS, BATCH, OUTPUTS)
    inputs = [weight, bias, signal] if signal.requires_grad else [weight, bias]
    found = torch.autograd.grad((outputs * direction).sum(), inputs)
    signals = signal.double().expand(MEMBERS, BATCH, INPUTS)
    expected = torch.stack([F.linear(*each) for each in zip(signals, weight.double(), bias.double(), strict=True)])
    assert torch.allclose(outputs.double(), expected, atol=1e-5)  # float32 rounding of sums of 11 products
    for gradient, reference in zip(found, torch.autograd.grad((expected * direction).sum(), inputs), strict=True):
        assert torch.allclose(gradient, reference.to(gradient.dtype), atol=1e-5)


def test_a_network_has_the_same_bytes_alone_as_among_others(layer):
    weight, bias = layer
    signal = drawn(MEMBERS, BATCH, INPUTS)
    together = stacked_linear(signal, weight, bias)
    alone = [stacked_linear(signal[one], weight[one], bias[one]) for one in (slice(n, n + 1) for n in range(MEMBERS))]
    assert torch.equal(together, torch.cat(alone))
