"""Linear layers and convolutions that are fast on small maps, with the same bytes on Intel's and AMD's processors.

PyTorch leaves matrix products to MKL, whose kernels differ by maker; NumPy's OpenBLAS takes the kernels that
`core.arithmetic` names on every processor with AVX2. Convolutions are oneDNN's, in layout "channels last". On small
maps, however, those multiply much padding, and their gradients of the weights are slow on any. So a convolution may
also be summed over the positions of its kernel ("taps"): the pixels under a tap times the weights of the tap, which is
one matrix product, and padding has no part in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

MOST_PADDING: Final = 0.3  # share of all products: beyond it, taps are faster than oneDNN
FEW_CHANNELS: Final = 16  # fewer would make the taps' products too narrow


def matrix_product(first: Tensor, second: Tensor, result: Tensor | None = None) -> Tensor:
    """(rows, inner), (inner, columns) -> (rows, columns), by OpenBLAS; written to `result` if there is one."""
    if result is None:
        result = torch.empty(first.shape[0], second.shape[1], dtype=first.dtype)
    with np.errstate(all="ignore"):  # a network that diverges overflows in silence, as PyTorch's do
        np.matmul(first.detach().numpy(), second.detach().numpy(), out=result.numpy())
    return result


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        outputs = matrix_product(inputs, weight.T)
        return outputs if bias is None else outputs.add_(bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        (of_outputs,) = gradients  # (batch, outputs)
        of_inputs = matrix_product(of_outputs, weight) if ctx.needs_input_grad[0] else None
        of_bias = of_outputs.sum(0) if ctx.needs_input_grad[2] else None
        return of_inputs, matrix_product(of_outputs.T, inputs), of_bias


class Linear(nn.Linear):
    """The same as nn.Linear but for its products."""

    def forward(self, input: Tensor) -> Tensor:
        """(batch, inputs) -> (batch, outputs)."""
        return _Linear.apply(input, self.weight, self.bias)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Geometry:
    """Of a convolution along one side of the images, which are as high as wide."""

    inputs: int  # pixels
    kernel: int
    stride: int
    padding: int  # pixels at either end

    @property
    def outputs(self) -> int:
        """Pixels a side of the outputs."""
        return (self.inputs + 2 * self.padding - self.kernel) // self.stride + 1

    def taps(self) -> Iterator[tuple[int, slice, slice]]:
        """Each tap that meets pixels: its place in the kernel, the pixels under it, the outputs they contribute to."""
        for tap in range(self.kernel):
            shift = tap - self.padding  # output i sees pixel i * stride + shift
            first = max(0, -(shift // self.stride))
            last = min(self.outputs - 1, (self.inputs - 1 - shift) // self.stride)
            if first <= last:
                start = first * self.stride + shift
                pixels = slice(start, start + (last - first) * self.stride + 1, self.stride)
                yield tap, pixels, slice(first, last + 1)

    @property
    def suits_taps(self) -> bool:
        """Whether the products of all taps are faster than oneDNN's convolution."""
        used = sum(outputs.stop - outputs.start for _, _, outputs in self.taps()) / (self.kernel * self.outputs)
        return self.kernel == 1 or 1 - used**2 > MOST_PADDING


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.geometry = geometry = Geometry(images.shape[-1], weight.shape[-1], stride, padding)
        if not geometry.suits_taps:
            return torch.conv2d(images, weight, bias, stride, padding)
        outputs = _tapped_outputs(images, weight, geometry)
        return outputs if bias is None else outputs.add_(bias[:, None, None])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (images, weight), (of_outputs,), geometry = ctx.saved_tensors, gradients, ctx.geometry
        of_images = _gradient_of_images(of_outputs, images, weight, geometry) if ctx.needs_input_grad[0] else None
        of_weight = _gradient_of_weight(of_outputs, images, weight, geometry)
        of_bias = _channels_last(of_outputs).flatten(0, 2).sum(0) if ctx.needs_input_grad[2] else None
        return of_images, of_weight, of_bias, None, None


class Convolution(nn.Conv2d):
    """The same as nn.Conv2d with one stride, padding and kernel size for both sides, but for its products."""

    def forward(self, input: Tensor) -> Tensor:
        """(batch, in_channels, side, side) -> (batch, out_channels, side', side')."""
        assert isinstance(self.padding, tuple)
        return _Convolution.apply(input, self.weight, self.bias, self.stride[0], self.padding[0])  # type: ignore[no-any-return]


def _channels_last(maps: Tensor) -> Tensor:
    """(images, channels, rows, columns) -> (images, rows, columns, channels), contiguous; no copy if it is already."""
    return maps.detach().permute(0, 2, 3, 1).contiguous()


def _zeros(shape: Sequence[int], like: Tensor) -> Tensor:
    return torch.empty(*shape, dtype=like.dtype, memory_format=torch.channels_last).zero_()


def _squares(geometry: Geometry) -> Iterator[tuple[tuple[slice | int, ...], ...]]:
    """Of each tap of the square kernel: its index into weights, into images and into outputs, all channels last."""
    whole = slice(None)
    for (row, rows, to_rows), (column, columns, to_columns) in product(geometry.taps(), repeat=2):
        yield (whole, row, column), (whole, rows, columns), (whole, to_rows, to_columns)


def _tapped_outputs(images: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    result = _zeros((len(images), len(weight), geometry.outputs, geometry.outputs), images)
    images, weight, own = _channels_last(images), _channels_last(weight), _channels_last(result)
    for tap, pixels, places in _squares(geometry):
        own[places] += matrix_product(images[pixels].flatten(0, 2), weight[tap].T).view(own[places].shape)
    return result


def _gradient_of_images(of_outputs: Tensor, images: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    if not geometry.suits_taps:
        found: Tensor = conv2d_input(images.shape, weight, of_outputs, geometry.stride, geometry.padding)
        return found
    result = _zeros(images.shape, images)
    of_outputs, weight, own = _channels_last(of_outputs), _channels_last(weight), _channels_last(result)
    for tap, pixels, places in _squares(geometry):
        own[pixels] += matrix_product(of_outputs[places].flatten(0, 2), weight[tap]).view(own[pixels].shape)
    return result


def _gradient_of_weight(of_outputs: Tensor, images: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """By a product a tap, or, of few channels, by one product with all that each output sees ("im2col")."""
    result = _zeros(weight.shape, weight)
    of_outputs, images, own = _channels_last(of_outputs), _channels_last(images), _channels_last(result)
    if images.shape[-1] < FEW_CHANNELS:
        matrix_product(of_outputs.flatten(0, 2).T, _seen(images, geometry), own.view(len(own), -1))
        return result
    for tap, pixels, places in _squares(geometry):
        matrix_product(of_outputs[places].flatten(0, 2).T, images[pixels].flatten(0, 2), own[tap])
    return result


def _seen(images: Tensor, geometry: Geometry) -> Tensor:
    """What each output sees of images (images, rows, columns, channels): (outputs of all images, rows of weights)."""
    padded = nn.functional.pad(images, (0, 0, *[geometry.padding] * 4))
    windows = padded.unfold(1, geometry.kernel, geometry.stride).unfold(2, geometry.kernel, geometry.stride)
    return windows.permute(0, 1, 2, 4, 5, 3).reshape(len(images) * geometry.outputs**2, -1)


def with_own_layers(network: nn.Module) -> nn.Module:
    """The same network, the same parameters and function, with the layers of this module in place of PyTorch's."""
    for module in network.modules():
        if type(module) is nn.Linear:
            module.__class__ = Linear
        elif type(module) is nn.Conv2d and module.groups == 1 and module.dilation == (1, 1):
            module.__class__ = Convolution
    return network
