"""A census of torchvision's image classifiers: activations and operations of one forward pass, parameters, and what is
published of their weights.

A classifier is built without memory or weights (on PyTorch's meta device, where a tensor has a shape but no values) and
run once, in evaluation mode, on one image of the size that its weights ask for.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.utils._python_dispatch import TorchDispatchMode

from dlstudy.experiments.census.calls import CensusError, Tally, count, leading, name_of
from dlstudy.experiments.census.families import Family, chosen, family_of, load_families
from dlstudy.experiments.census.params import CensusParams

PARAMS = CensusParams


def load() -> tuple[Family, ...]:
    """All families of networks."""
    return load_families()


def run(families: tuple[Family, ...], params: CensusParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of the census and its facts; of the families in params.yaml alone, where it names any."""
    wanted = chosen(families, params.families)
    tables = census(sorted(family_of(wanted)) if params.families else builders(), wanted)
    return {**tables, "facts": facts(tables)}


# --- Building ---


def builders() -> list[str]:
    """The names of torchvision's builders of image classifiers, without those of detection, video and the like."""
    from torchvision import models

    names: list[str] = models.list_models(module=models)
    return names


class NothingDrawn(TorchDispatchMode):
    """Draws no initial values while it is entered: there is no memory for them, and no random state is touched."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return args[0] if name_of(func) in ("normal", "uniform") else func(*args, **(kwargs or {}))


@contextmanager
def parameters_without_memory() -> Iterator[None]:
    """Modules that are made inside have their parameters on the meta device.

    `torch.device("meta")` would take all tensors there, also those by whose values RegNet computes its widths.
    """

    def without_memory(module: nn.Module, name: str, parameter: nn.Parameter) -> Any:
        return nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)

    handle = register_module_parameter_registration_hook(without_memory)
    try:
        with NothingDrawn():  # type: ignore[no-untyped-call] # PyTorch's
            yield
    finally:
        handle.remove()


def options(builder: str, size: int) -> dict[str, Any]:
    """What a builder has to be told, to make of itself the network of its weights without drawing initial ones."""
    if builder == "googlenet":
        return {"aux_logits": False, "init_weights": False}  # its auxiliary classifiers served training
    if builder == "inception_v3":
        return {"init_weights": False}
    return {"image_size": size} if builder.startswith("vit_") else {}  # it learns an embedding for every position


def build(builder: str, size: int) -> nn.Module:
    """The network of a builder in evaluation mode, on the meta device, for images of `size` x `size` pixels."""
    from torchvision import models

    with parameters_without_memory():
        network: nn.Module = models.get_model(builder, weights=None, **options(builder, size))
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
    """Of a builder: its leading activation with the calls of that, of all hidden activations and of gates; then all
    else that the entry has.
    """
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
