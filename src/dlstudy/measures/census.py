"""Claims of which activation is in use, by a census of torchvision's image classifiers: ACT-1."""

from typing import Any, Final

import pandas as pd

from dlstudy.judging.evidence import Clusters, Count, Evidence
from dlstudy.measures.samples import records
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "census"
RELU: Final = "relu"
SINCE: Final = 2019  # what "today" is taken to mean; fixed before the families were counted


def faults_of(builders: pd.DataFrame) -> tuple[str, ...]:
    """Networks that are not those whose weights are published: their number of parameters differs."""
    published = builders["published_num_parameters"]
    other = builders[(published > 0) & (builders["num_parameters"] != published)]
    return tuple(f"{name}: another number of parameters than is published" for name in other["builder"])


def by_family(builders: pd.DataFrame) -> Clusters:
    """In how many of each family's builders ReLU leads: one paper gives several sizes, which mostly agree."""
    groups = (builders["activation"] == RELU).groupby(builders["family"], sort=False)
    return Clusters(tuple(map(int, groups.sum())), tuple(map(int, groups.count())))


def counted(table: pd.DataFrame) -> dict[str, int]:
    """How many rows there are, in how many ReLU leads, and min(ReLU, 6), which counts as another activation."""
    num_relu, num_clipped = (int((table["activation"] == name).sum()) for name in (RELU, "relu6"))
    return {"num": len(table), "num_relu": num_relu, "num_clipped": num_clipped}


def stock(results: Results) -> Evidence:
    """Every builder, by its leading activation."""
    builders, families, calls = (results.experiment(EXPERIMENT, name) for name in ("builders", "families", "calls"))
    hidden = calls[calls["kind"] == "hidden"]
    gates = calls[calls["kind"] == "gate"].groupby("activation", as_index=False)
    facts = {
        **results.experiment_facts(EXPERIMENT),
        **counted(builders),
        "activations": by_activation(builders, families, hidden),
        "gates": records(gates.agg(num_calls=("num_calls", "sum"), num_builders=("builder", "nunique"))),
        "num_any_relu": hidden.loc[hidden["activation"] == RELU, "builder"].nunique(),
        "tied": tied(hidden),
        "by_values": by_values(builders, hidden),
    }
    return Evidence({"": by_family(builders)}, facts=facts, faults=faults_of(builders))


def by_activation(builders: pd.DataFrame, families: pd.DataFrame, hidden: pd.DataFrame) -> list[dict[str, Any]]:
    """For each hidden activation the builders and families that it leads, and all its calls; most builders first."""
    led = {"num_builders": builders, "num_families": families, "num_recent": families[families["year"] >= SINCE]}
    columns = {name: table["activation"].value_counts() for name, table in led.items()}
    table = pd.DataFrame({**columns, "num_calls": hidden.groupby("activation")["num_calls"].sum()})
    table = table.fillna(0).astype(int).rename_axis("activation").reset_index()
    return records(table.sort_values(["num_builders", "num_calls", "activation"], ascending=[False, False, True]))


def tied(hidden: pd.DataFrame) -> list[str]:
    """The builders that call two activations equally often, and none oftener: the values decided which leads."""
    most = hidden["num_calls"] == hidden.groupby("builder")["num_calls"].transform("max")
    num = hidden[most].groupby("builder").size()
    return [str(name) for name in num.index[num > 1]]


def by_values(builders: pd.DataFrame, hidden: pd.DataFrame) -> dict[str, Any]:
    """The count by the number of values that pass through an activation, instead of by calls."""
    largest = hidden.loc[hidden.groupby("builder")["num_values"].idxmax()].set_index("builder")["activation"]
    ours = builders.set_index("builder")["activation"]
    moved = [{"builder": name, "activation": largest[name]} for name in ours.index if largest[name] != ours[name]]
    return {"num_relu": int((largest == RELU).sum()), "moved": moved}


def families(results: Results) -> Evidence:
    """Every family, by the activation that leads in most of its builders."""
    table, builders = results.experiment(EXPERIMENT, "families"), results.experiment(EXPERIMENT, "builders")
    nums = builders["family"].value_counts()
    others = builders[builders["family"] != nums.index[0]]
    counts = counted(table)
    facts = {
        **counts,
        "rows": records(table),
        "mixed": table.loc[table["num_with_it"] < table["num_builders"], "family"].tolist(),
        "largest": {"family": nums.index[0], "num_builders": nums.iloc[0], "others": counted(others)},
    }
    aside = {} if others.empty else {"without_largest": by_family(others)}
    leading = Count(counts["num_relu"], counts["num"])
    return Evidence({"": leading}, facts=facts, aside=aside, faults=faults_of(builders))


def recent(results: Results) -> Evidence:
    """Every family that was first published in `SINCE` or later."""
    table, builders = results.experiment(EXPERIMENT, "families"), results.experiment(EXPERIMENT, "builders")
    new = table[table["year"] >= SINCE]
    if new.empty:
        raise MissingResultError(f"experiments.census.families: expected families of {SINCE} or later, found none")
    counts = counted(new)
    facts = {
        **counts,
        "since": SINCE,
        "last": table["year"].max(),
        "with_relu": new.loc[new["activation"] == RELU, "family"].tolist(),
        "before": counted(table[table["year"] < SINCE]),
    }
    return Evidence({"": Count(counts["num_relu"], counts["num"])}, facts=facts, faults=faults_of(builders))
