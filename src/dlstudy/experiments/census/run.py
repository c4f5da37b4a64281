"""A census of torchvision's image classifiers: activations and operations of one forward pass, parameters, and what is
published of their weights.

A classifier is built without memory or weights (on PyTorch's meta device, where a tensor has a shape but no values) and
run once, in evaluation mode, on one image of the size that its weights ask for. Beneath modules and functions alike
every activation becomes one operator of PyTorch's; these are what is counted, so that nothing is missed or counted
twice, however it is written.

An activation is *hidden* unless it is a *gate*: a sigmoid, hard sigmoid or softmax that is called while a
squeeze-and-excitation block or an attention block runs. There it makes the factors by which features are scaled or
averaged (or, in Swin V2, bounds the attention's position bias). What else such a block calls (the ReLU or SiLU between
the two layers of a squeeze-and-excitation) is hidden as anywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from dlstudy.core.base.errors import StudyError
from dlstudy.experiments.census.families import Family, chosen, family_of, load_families
from dlstudy.experiments.census.params import CensusParams

PARAMS = CensusParams

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


def load() -> tuple[Family, ...]:
    """All families of networks."""
    return load_families()


def run(families: tuple[Family, ...], params: CensusParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of the census and its facts; of the families in params.yaml alone, where it names any."""
    wanted = chosen(families, params.families)
    tables = census(sorted(family_of(wanted)) if params.families else builders(), wanted)
    return {**tables, "facts": facts(tables)}


# --- Counting ---


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
            f"experiments/census/run.py: expected an operator in ACTIVATIONS or OTHERS, found {operator}; "
            "put it into one of them"
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


# --- Building ---


def builders() -> list[str]:
    """The names of torchvision's builders of image classifiers, without those of detection, video and the like."""
    from torchvision import models

    return list(models.list_models(module=models))


class NothingDrawn(TorchDispatchMode):
    """Draws no initial values while it is entered: there is no memory for them, and no random state is touched."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return args[0] if name_of(func) in ("normal", "uniform") else func(*args, **(kwargs or {}))


def options(builder: str, size: int) -> dict[str, Any]:
    """What a builder has to be told, to make of itself the network of its weights without drawing initial ones."""
    if builder == "googlenet":
        return {"aux_logits": False, "init_weights": False}  # its auxiliary classifiers served training
    if builder == "inception_v3":
        return {"init_weights": False}
    return {"image_size": size} if builder.startswith("vit_") else {}  # it learns an embedding for every position


def build(builder: str, size: int) -> nn.Module:
    """The network of a builder in evaluation mode, on the meta device, for images of `size` x `size` pixels.

    Its parameters are taken there one by one: `torch.device("meta")` would take all tensors, also those by whose values
    RegNet computes its widths.
    """
    from torchvision import models

    def without_memory(module: nn.Module, name: str, parameter: nn.Parameter) -> Any:
        return nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)

    handle = register_module_parameter_registration_hook(without_memory)
    try:
        with NothingDrawn():  # type: ignore[no-untyped-call] # PyTorch's
            network: nn.Module = models.get_model(builder, weights=None, **options(builder, size))
    finally:
        handle.remove()
    return network.eval().to("meta")  # buffers too


# --- Tables ---


@dataclass(frozen=True)
class Entry:
    """What the census says of a builder. What is published is that of its default weights; 0 if it has none."""

    builder: str
    tallies: Mapping[tuple[str, str], Tally]  # by (kind, activation)
    image_size: int
    num_parameters: int
    num_operations: int
    weights: str = "none"
    published_num_parameters: int = 0
    published_operations: float = 0.0  # 10^9 of them, to three decimals
    acc_at_1: float = 0.0  # percent of ImageNet's validation images
    acc_at_5: float = 0.0  # the same, where the class is among the first five guesses
    file_size: float = 0.0  # megabytes


def entry(builder: str) -> Entry:
    from torchvision import models

    weights = getattr(models.get_model_weights(builder), "DEFAULT", None)  # those that torchvision recommends, if any
    size = 224 if weights is None else int(weights.transforms.keywords["crop_size"])  # pixels a side
    network = build(builder, size)
    found = count(network, torch.empty(1, 3, size, size, device="meta"))
    num_parameters = sum(parameter.numel() for parameter in network.parameters())
    counted = builder, found.tallies, size, num_parameters, found.num_operations
    if weights is None:
        return Entry(*counted)
    accuracies = weights.meta["_metrics"]["ImageNet-1K"]
    return Entry(
        *counted,
        weights=str(weights),
        published_num_parameters=int(weights.meta["num_params"]),
        published_operations=float(weights.meta["_ops"]),
        acc_at_1=float(accuracies["acc@1"]),
        acc_at_5=float(accuracies["acc@5"]),
        file_size=float(weights.meta["_file_size"]),
    )


def census(names: Sequence[str], families: Sequence[Family]) -> dict[str, pd.DataFrame]:
    """The tables builders, calls and families. CensusError where a builder belongs to no family."""
    by_builder = family_of(families)
    if lost := [name for name in names if name not in by_builder]:
        raise CensusError(f"families.yaml: expected a family for every builder, found none for {', '.join(lost)}")
    entries = [entry(name) for name in names]
    rows = pd.DataFrame([builder_row(each, by_builder[each.builder]) for each in entries])
    return {"builders": rows, "calls": call_table(entries), "families": family_table(rows, families)}


def builder_row(entry: Entry, family: Family) -> dict[str, object]:
    """The leading activation with the calls of that, of all hidden ones and of gates; then all else of the entry."""
    activation = leading(entry.tallies)
    return {
        "builder": entry.builder,
        "family": family.name,
        "year": family.year,
        "activation": activation,
        "num_calls": entry.tallies["hidden", activation].num_calls,
        "num_hidden_calls": sum(tally.num_calls for (kind, _), tally in entry.tallies.items() if kind == "hidden"),
        "num_gate_calls": sum(tally.num_calls for (kind, _), tally in entry.tallies.items() if kind == "gate"),
        **{name: value for name, value in vars(entry).items() if name not in ("builder", "tallies")},
    }


def call_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row per builder, kind and activation."""
    rows = [
        (entry.builder, kind, name, tally.num_calls, tally.num_values)
        for entry in entries
        for (kind, name), tally in sorted(entry.tallies.items())
    ]
    return pd.DataFrame(rows, columns=["builder", "kind", "activation", "num_calls", "num_values"])


def family_table(rows: pd.DataFrame, families: Sequence[Family]) -> pd.DataFrame:
    """One row per family, with the activation that leads in most of its builders; of two, the one with more calls.

    In the order of families.yaml; a family without builders is left out.
    """
    table = []
    for family in families:
        own = rows[rows["family"] == family.name]
        if len(own):
            votes = own.groupby("activation")["num_calls"].agg(["size", "sum"]).sort_values(["size", "sum"])
            table.append((family.name, family.year, family.source, votes.index[-1], len(own), votes["size"].iloc[-1]))
    columns = ["family", "year", "source", "activation", "num_builders", "num_with_it"]
    return pd.DataFrame(table, columns=columns)


def facts(tables: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """How much was counted."""
    rows, calls = tables["builders"], tables["calls"]
    published = rows[rows["published_num_parameters"] > 0]
    billions = (published["num_operations"] / 1e9).round(3)  # as torchvision publishes them
    return {
        "num_builders": len(rows),
        "num_families": len(tables["families"]),
        "num_with_weights": len(published),
        "num_equal_parameters": int((published["num_parameters"] == published["published_num_parameters"]).sum()),
        "num_equal_operations": int((billions == published["published_operations"]).sum()),
        "num_hidden_calls": int(rows["num_hidden_calls"].sum()),
        "num_gate_calls": int(rows["num_gate_calls"].sum()),
        "num_activations": int(calls.loc[calls["kind"] == "hidden", "activation"].nunique()),
    }
