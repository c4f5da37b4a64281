"""Measures of torchvision's parts, models and transforms: TV-1 to TV-3."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dlstudy.judging.evidence import Evidence, Exact, PerImage, exact
from dlstudy.measures.samples import records
from dlstudy.study.results import Results
from dlstudy.vision.params import VisionParams

TOUR: Final = "torchvision_tour"
CENSUS: Final = "census"
PARTS: Final = ("datasets", "models", "transforms", "utils")  # that the note names
NAMED: Final = {"alexnet": "AlexNet", "vgg16": "VGG-16", "resnet18": "ResNet-18"}  # builders, for the note's families
FAMILIES: Final = {"alexnet": "AlexNet", "vgg": "VGG", "resnet": "ResNet"}  # by how the names of their builders begin
BASELINE: Final = "softmax_regression"
PERCEPTRON: Final = "mlp_relu"
RESNET: Final = "resnet18"
SCRATCH: Final = "that is trained from scratch"
BILLION: Final = 1e9
LEVELS: Final = 255.0  # steps of grey from black to white


# --- Evidence: parts ---


def properties_of(results: Results, **wanted: str) -> pd.DataFrame:
    """The rows of the table of properties with these values in these columns."""
    table = results.experiment(TOUR, "properties")
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def part_rows(results: Results) -> list[dict[str, Any]]:
    """A row per part: its public names, and what of it is put to work on how many images."""
    rows = []
    for part in records(results.experiment(TOUR, "parts")):
        used = properties_of(results, part=part["part"])
        part["num_names"] = part["num_classes"] + part["num_functions"]
        part["named"] = part["part"] in PARTS
        part["num_properties"] = int(used["property"].nunique())
        part["num_cases"] = int(used["num_cases"].max()) if len(used) else 0
        rows.append(part)
    return rows


def parts(results: Results) -> Evidence:
    """For each part that the note names, 1 if it is not there or no image passes through it, else 0."""
    rows = part_rows(results)
    by_name = {row["part"]: row for row in rows}
    works = {name: name in by_name and by_name[name]["num_names"] and by_name[name]["num_cases"] for name in PARTS}
    facts = {"rows": rows, **results.experiment_facts(TOUR)}
    return Evidence(exact({name: not works[name] for name in PARTS}), facts=facts)


def mainly(results: Results) -> Evidence:
    """The share of all public classes and functions of torchvision that one of the four parts has."""
    rows = part_rows(results)
    inside, outside = (sum(row["num_names"] for row in rows if row["named"] == named) for named in (True, False))
    others = [row["part"] for row in rows if not row["named"] and row["num_names"]]
    facts = {"num_inside": inside, "num_outside": outside, "others": others}
    return Evidence({"": Exact(inside / (inside + outside))}, facts=facts)


# --- Evidence: models ---


def differing(results: Results, column: str) -> Evidence:
    """The networks whose parameters or operations are not the published ones: the note's three, and all others.

    Operations are compared in the unit of the metadata: 10^9 multiplications with an addition, to three decimals.
    """
    builders = results.experiment(CENSUS, "builders")
    table = builders[builders["published_num_parameters"] > 0]
    ours = table[f"num_{column}"]
    ours = (ours / BILLION).round(3) if column == "operations" else ours
    other = ours != table["published_operations" if column == "operations" else "published_num_parameters"]
    named = table["builder"].isin(list(NAMED))
    left_out = [name for name in NAMED if name not in set(table["builder"])]
    in_order = table[named].sort_values("builder", key=lambda names: names.map(list(NAMED).index))
    facts = {
        "num_builders": len(table),
        "num_equal": int((~other).sum()),
        "others": table.loc[other, "builder"].tolist(),
        "rows": [row | {"called": NAMED[row["builder"]]} for row in records(in_order)],
    }
    samples = {"AlexNet, VGG-16 and ResNet-18": other[named], "all other networks": other[~named]}
    return Evidence(
        exact({name: values.sum() for name, values in samples.items() if len(values)}),
        facts=facts,
        faults=tuple(f"experiments.census.families leaves out {NAMED[name]}" for name in left_out),
    )


def pretrained(results: Results) -> Evidence:
    """For each of the three, 1 if no weights are named whose file's name has a hash; and what loading gives."""
    weights = results.experiment(TOUR, "weights")
    hashed = weights[weights["hash"] != "none"]
    loading = properties_of(results, group="weights")
    samples = {called: int(name not in set(hashed["builder"])) for name, called in NAMED.items()}
    samples["loading"] = int((loading["num_cases"] - loading["num_equal"]).sum())
    return Evidence(exact(samples), facts={"rows": records(weights), "num_cases": int(loading["num_cases"].sum())})


def untrained_before(results: Results) -> dict[str, dict[str, VisionParams]]:
    """The networks that are trained from scratch, by family."""
    found = results.study.vision.items()
    return {
        called: {name: model for name, model in found if model.builder.startswith(start) and model.weights is None}
        for start, called in FAMILIES.items()
    }


def right_examples(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which test images are classified right, (seeds, images), from what `evaluation.scores.correctness` wrote."""
    packed = [np.frombuffer(bytes.fromhex(digits.removeprefix("0x")), np.uint8) for digits in table["correct"]]
    unpacked = [np.unpackbits(each, count=num) for each, num in zip(packed, table["num"], strict=True)]
    return np.stack(unpacked).astype(bool)


def against(results: Results, other: str, models: Sequence[str], lacking: Sequence[str]) -> Evidence:
    """Some models, each beside another one on the same test images. What is lacking makes it invalid."""
    second = right_examples(results.table(other, "correct"))
    first = {name: right_examples(results.table(name, "correct")) for name in models}
    facts = {
        "other": {"model": other, "accuracy": second.mean(), "num_seeds": len(second)},
        "num_images": second.shape[1],
        "rows": [
            {
                "model": name,
                "accuracy": right.mean(),
                "low": right.mean(axis=1).min(),
                "high": right.mean(axis=1).max(),
                "num_seeds": len(right),
            }
            for name, right in first.items()
        ],
    }
    return Evidence(
        {name: PerImage(right, second) for name, right in first.items()}
        or {other: PerImage(second, second)},  # itself: no difference, and a fault
        num_seeds=min((len(right) for right in first.values()), default=0),
        facts=facts,
        faults=(*(f"params.yaml has no {called}" for called in lacking), *stopped_early(results, models)),
    )


def stopped_early(results: Results, models: Sequence[str]) -> tuple[str, ...]:
    """Networks whose budget ended before one pass over the training images: they show the budget, not the network."""
    num_train = int(results.facts("images")["num_examples"]["train"])
    seen = {name: results.study.vision[name].num_images * results.study.vision[name].num_epochs for name in models}
    return tuple(
        f"{name}: stopped by its budget, {num:,} of {num_train:,} training images"
        for name, num in seen.items()
        if num < num_train
    )


def trained(results: Results) -> Evidence:
    """The first network of each family, beside softmax regression."""
    found = untrained_before(results)
    firsts = [next(iter(models)) for models in found.values() if models]
    return against(results, BASELINE, firsts, [f"{called} {SCRATCH}" for called, models in found.items() if not models])


def beats_mlp(results: Results) -> Evidence:
    """The first ResNet-18, beside the ReLU perceptron."""
    if PERCEPTRON not in results.classifiers(hidden=True):
        return against(results, BASELINE, [], [f"{PERCEPTRON}, a perceptron of the images"])
    found = [name for name, model in untrained_before(results)["ResNet"].items() if model.builder == RESNET]
    return against(results, PERCEPTRON, found[:1], [] if found else [f"ResNet-18 {SCRATCH}"])


# --- Evidence: transforms ---


def property_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One per property: how many cases, and for each format in how many it holds exactly and the largest deviation."""
    return [
        {
            "property": name,
            "num_cases": int(own["num_cases"].iloc[0]),
            "formats": own.set_index("format")[["num_equal", "deviation"]].to_dict("index"),
        }
        for name, own in table.groupby("property", sort=False)
    ]


def exceptions(results: Results, group: str, formats: Sequence[str] = ()) -> Evidence:
    """Of each property in each format the cases in which it does not hold exactly."""
    table = properties_of(results, group=group)
    counted = table[table["format"].isin(list(formats))] if formats else table
    samples = {
        f"{row['property']} ({row['format']})": row["num_cases"] - row["num_equal"]
        for row in counted.to_dict("records")
    }
    return Evidence(exact(samples), facts={"rows": property_rows(table), "num_cases": int(table["num_cases"].max())})


def deviations(results: Results) -> Evidence:
    """The largest deviation of each property, as a share of the range of the pixels."""
    table = properties_of(results, group="numbers")
    samples = exact({row["property"]: row["deviation"] / LEVELS for row in table.to_dict("records")})
    return Evidence(samples, facts={"rows": property_rows(table), "num_cases": int(table["num_cases"].max())})
