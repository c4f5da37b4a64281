"""Matrix products of many networks at once, with the same bytes on the processors of Intel and AMD.

The products are NumPy's: its OpenBLAS takes the kernels that OPENBLAS_CORETYPE names (`core.arithmetic` sets Haswell's)
on every processor with AVX2, while PyTorch's MKL chooses by maker. They are as fast, and write into memory that is
there, so that a stack needs no copies. Each network has a product of its own: its numbers do not depend on how many
others stand beside it.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor


class _StackedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(signal, weight)
        outputs = torch.empty(weight.shape[0], signal.shape[-2], weight.shape[1])
        _product(signal, weight.mT, outputs)
        return outputs.add_(bias.unsqueeze(1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        signal, weight = ctx.saved_tensors
        of_outputs = gradients[0].contiguous()  # (members, batch, outputs)
        of_signal = _product(of_outputs, weight, torch.empty(signal.shape)) if ctx.needs_input_grad[0] else None
        of_weight = _product(of_outputs.mT, signal, torch.empty(weight.shape))
        return of_signal, of_weight, of_outputs.sum(1)


def stacked_linear(signal: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A linear layer of every network: (members, batch, inputs) -> (members, batch, outputs), float32.

    The signal may be (batch, inputs), the same for all, if it needs no gradient. Weights are
    (members, outputs, inputs), biases (members, outputs), as nn.Linear has them.
    """
    return _StackedLinear.apply(signal, weight, bias)  # type: ignore[no-any-return]


def _product(first: Tensor, second: Tensor, result: Tensor) -> Tensor:
    with np.errstate(all="ignore"):  # a network that diverges overflows in silence, as PyTorch's do
        np.matmul(first.detach().numpy(), second.detach().numpy(), out=result.numpy())
    return result
