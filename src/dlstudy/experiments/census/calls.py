"""Which activations a network calls in one forward pass, and how often; and how many operations the pass takes.

Beneath modules and functions alike every activation becomes one operator of PyTorch's; these are what is counted, so
that nothing is missed or counted twice, however it is written.

An activation is *hidden* unless it is a *gate*: a sigmoid, hard sigmoid or softmax that is called while a
squeeze-and-excitation block or an attention block runs. There it makes the factors by which features are scaled or
averaged (or, in Swin V2, bounds the attention's position bias). What else such a block calls (the ReLU or SiLU between
the two layers of a squeeze-and-excitation) is hidden as anywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from dlstudy.core.errors import StudyError

ACTIVATIONS: Final = {
    **{name: name for name in ("relu", "hardtanh", "gelu", "silu", "hardswish", "tanh", "sigmoid", "hardsigmoid")},
    "_softmax": "softmax",
    "_safe_softmax": "softmax",  # by which masked rows give 0
}
"""The activation that an operator of PyTorch's computes; see `activation_of` for those that share an operator."""

GATES: Final = frozenset({"sigmoid", "hardsigmoid", "softmax"})
"""Activations that are gates inside a squeeze-and-excitation or an attention block."""

LAYERS: Final = ("convolution", "addmm", "mm", "bmm", "native_batch_norm", "native_layer_norm", "linalg_vector_norm")
POOLING: Final = ("max_pool2d_with_indices", "avg_pool2d", "_adaptive_avg_pool2d", "mean")
ARITHMETIC: Final = ("add", "sub", "mul", "div", "exp", "clamp", "clamp_min", "eq", "ne", "masked_fill")
SHAPES: Final = ("alias", "as_strided", "expand", "permute", "t", "transpose", "squeeze", "unsqueeze", "view")
PIECES: Final = ("cat", "constant_pad_nd", "index", "roll", "select", "slice", "split", "_unsafe_view")
COPIES: Final = ("clone", "copy", "detach", "empty", "new_zeros", "scalar_tensor", "zero")
OTHERS: Final = frozenset((*LAYERS, *POOLING, *ARITHMETIC, *SHAPES, *PIECES, *COPIES))
"""Operators that are no activations. `exp` and the two of clamping serve Swin V2: its scale of attention, and norms."""


class CensusError(StudyError, ValueError):
    """A builder that the census does not know how to count."""


def name_of(operator: Any) -> str:
    """The name of one of PyTorch's operators, the same whether it works in place (relu_) or not (relu)."""
    return str(operator.overloadpacket.__name__).rstrip("_")


@dataclass(frozen=True)
class Tally:
    num_calls: int = 0
    num_values: int = 0  # that came out of them, for one image


@dataclass(frozen=True)
class Pass:
    """What was counted in one forward pass."""

    tallies: dict[tuple[str, str], Tally]  # by (kind, activation)
    num_operations: int  # multiplications with an addition, of convolutions and matrix products; nothing else counts


def activation_of(operator: str, arguments: Sequence[Any]) -> str | None:
    """The activation that an operator computes with its arguments, if any; CensusError for an unknown operator."""
    if operator == "hardtanh" and tuple(arguments[1:]) == (0, 6):
        return "relu6"
    if operator not in ACTIVATIONS and operator not in OTHERS:
        raise CensusError(
            f"census_calls.py: expected an operator in ACTIVATIONS or OTHERS, found {operator}; put it into one of them"
        )
    return ACTIVATIONS.get(operator)


class Counter(TorchDispatchMode):
    """Counts the activations that are called while it is entered, by kind ("hidden" or "gate") and name."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # PyTorch's
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.num_gating = 0  # blocks that run and have gates

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        operator = name_of(func)
        activation = activation_of(operator, args)
        if operator == "native_batch_norm":  # spares half the time: its result has the shape of its input
            return torch.empty_like(args[0]), *(torch.empty(0, device="meta") for _ in range(2))
        result = func(*args, **(kwargs or {}))
        if activation is not None:
            key = ("gate" if self.num_gating and activation in GATES else "hidden", activation)
            tally = self.tallies.get(key, Tally())
            self.tallies[key] = Tally(tally.num_calls + 1, tally.num_values + result.numel())
        return result

    def watch(self, network: nn.Module) -> None:
        """Notice when a block of the network whose sigmoids and softmaxes are gates begins and ends."""
        from torchvision.models.maxvit import RelativePositionalMultiHeadAttention
        from torchvision.models.swin_transformer import ShiftedWindowAttention  # that of V2 is a kind of it
        from torchvision.ops import SqueezeExcitation

        gates = (nn.MultiheadAttention, RelativePositionalMultiHeadAttention, ShiftedWindowAttention, SqueezeExcitation)

        def begin(module: nn.Module, inputs: Any) -> None:
            self.num_gating += 1

        def end(module: nn.Module, inputs: Any, result: Any) -> None:
            self.num_gating -= 1

        for module in network.modules():
            if isinstance(module, gates):
                module.register_forward_pre_hook(begin)
                module.register_forward_hook(end)


def count(network: nn.Module, inputs: Tensor) -> Pass:
    """What one forward pass calls, and its operations.

    PyTorch's counter takes a multiplication and an addition for two operations; torchvision publishes them as one.
    """
    counter, flops = Counter(), FlopCounterMode(display=False)
    counter.watch(network)
    with torch.no_grad(), flops, counter:  # in this order: what `counter` answers itself does not reach `flops`
        network(inputs)
    return Pass(counter.tallies, flops.get_total_flops() // 2)


def leading(tallies: Mapping[tuple[str, str], Tally]) -> str:
    """The hidden activation with most calls; of two that have as many, the one that more values pass."""
    hidden = {name: tally for (kind, name), tally in tallies.items() if kind == "hidden"}
    return max(hidden, key=lambda name: (hidden[name].num_calls, hidden[name].num_values))
