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
SCRATCH: Final = "that is trained from scratch"
BILLION: Final = 1e9


def properties_of(results: Results, group: str) -> pd.DataFrame:
    table = results.experiment(TOUR, "properties")
    return table[table["group"] == group]


def part_rows(results: Results) -> pd.DataFrame:
    """A row per part: its public names, and what of it is put to work on how many images."""
    table, used = results.experiment(TOUR, "parts"), results.experiment(TOUR, "properties").groupby("part")
    put_to_work = pd.DataFrame({"num_properties": used["property"].nunique(), "num_cases": used["num_cases"].max()})
    return table.assign(
        num_names=table["num_classes"] + table["num_functions"],
        named=table["part"].isin(PARTS),
        **put_to_work.reindex(table["part"], fill_value=0).reset_index(drop=True),
    )


def parts(results: Results) -> Evidence:
    """For each part that the note names, 1 if it is not there or no image passes through it, else 0."""
    rows = part_rows(results)
    works = set(rows.loc[(rows["num_names"] > 0) & (rows["num_cases"] > 0), "part"])
    facts = {"rows": records(rows), **results.experiment_facts(TOUR)}
    return Evidence(exact({name: name not in works for name in PARTS}), facts=facts)


def mainly(results: Results) -> Evidence:
    """The share of all public classes and functions of torchvision that one of the four parts has."""
    rows = part_rows(results)
    inside, outside = (rows.loc[rows["named"] == named, "num_names"].sum() for named in (True, False))
    others = rows.loc[~rows["named"] & (rows["num_names"] > 0), "part"].tolist()
    facts = {"num_inside": inside, "num_outside": outside, "others": others}
    return Evidence({"": Exact(inside / (inside + outside))}, facts=facts)


def differing(results: Results, column: str) -> Evidence:
    """The networks whose parameters or operations are not the published ones: the note's three, and all others.

    Operations are compared in the unit of the metadata: 10^9 multiplications with an addition, to three decimals.
    """
    builders = results.experiment(CENSUS, "builders")
    table = builders[builders["published_num_parameters"] > 0]
    if column == "operations":
        other = (table["num_operations"] / BILLION).round(3) != table["published_operations"]
    else:
        other = table[f"num_{column}"] != table[f"published_num_{column}"]
    named = table["builder"].isin(list(NAMED))
    rows = table[named].assign(called=table["builder"].map(NAMED)).set_index("builder", drop=False)
    left_out = [called for name, called in NAMED.items() if name not in rows.index]
    facts = {
        "num_builders": len(table),
        "num_equal": (~other).sum(),
        "others": table.loc[other, "builder"].tolist(),
        "rows": records(rows.loc[[name for name in NAMED if name in rows.index]]),
    }
    samples = {"AlexNet, VGG-16 and ResNet-18": other[named], "all other networks": other[~named]}
    return Evidence(
        exact({name: values.sum() for name, values in samples.items() if len(values)}),
        facts=facts,
        faults=tuple(f"experiments.census.families leaves out {called}" for called in left_out),
    )


def pretrained(results: Results) -> Evidence:
    """For each of the three, 1 if no weights are named whose file's name has a hash; and what loading gives."""
    weights = results.experiment(TOUR, "weights")
    hashed = weights[weights["hash"] != "none"]
    loading = properties_of(results, "weights")
    samples = {called: int(name not in set(hashed["builder"])) for name, called in NAMED.items()}
    samples["loading"] = int((loading["num_cases"] - loading["num_equal"]).sum())
    return Evidence(exact(samples), facts={"rows": records(weights), "num_cases": loading["num_cases"].sum()})


def untrained_before(results: Results) -> dict[str, dict[str, VisionParams]]:
    """The networks that are trained from scratch, by family."""
    found = {name: model for name, model in results.study.vision.items() if model.weights is None}
    return {
        called: {name: model for name, model in found.items() if model.builder.startswith(start)}
        for start, called in FAMILIES.items()
    }


def right_examples(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which test images are classified right, (seeds, images), from what `evaluation.scores.correctness` wrote."""
    packed = [np.frombuffer(bytes.fromhex(digits.removeprefix("0x")), np.uint8) for digits in table["correct"]]
    unpacked = [np.unpackbits(each, count=num) for each, num in zip(packed, table["num"], strict=True)]
    return np.stack(unpacked).astype(bool)


def against(results: Results, other: str, models: Sequence[str], lacking: Sequence[str]) -> Evidence:
    """Models, each beside another one on the same images; faults: what is lacking, or did not see all images once."""
    first = {name: right_examples(results.table(name, "correct")) for name in models}
    second = right_examples(results.table(other, "correct"))
    num_train = int(results.facts("images")["num_examples"]["train"])
    seen = {name: results.study.vision[name].num_images * results.study.vision[name].num_epochs for name in models}
    stopped = [
        f"{name}: stopped by its budget, {num:,} of {num_train:,} training images"
        for name, num in seen.items()
        if num < num_train
    ]
    return Evidence(
        {name: PerImage(right, second) for name, right in first.items()}
        or {other: PerImage(second, second)},  # itself: no difference, and a fault
        num_seeds=min(map(len, first.values()), default=0),
        facts={
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
        },
        faults=(*(f"params.yaml has no {called}" for called in lacking), *stopped),
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
    found = [name for name, model in untrained_before(results)["ResNet"].items() if model.builder == "resnet18"]
    return against(results, PERCEPTRON, found[:1], [] if found else [f"ResNet-18 {SCRATCH}"])


def property_facts(table: pd.DataFrame) -> dict[str, Any]:
    """How many cases, and of each property in each format in how many it holds exactly and the largest deviation."""
    rows = [
        {
            "property": name,
            "num_cases": own["num_cases"].iloc[0],
            "formats": own.set_index("format")[["num_equal", "deviation"]].to_dict("index"),
        }
        for name, own in table.groupby("property", sort=False)
    ]
    return {"rows": rows, "num_cases": table["num_cases"].max()}


def exceptions(results: Results, group: str, formats: Sequence[str] = ()) -> Evidence:
    """Of each property in each format the cases in which it does not hold exactly."""
    table = properties_of(results, group)
    counted = table[table["format"].isin(list(formats))] if formats else table
    names = counted["property"] + " (" + counted["format"] + ")"
    samples = dict(zip(names, counted["num_cases"] - counted["num_equal"], strict=True))
    return Evidence(exact(samples), facts=property_facts(table))


def deviations(results: Results) -> Evidence:
    """The largest deviation of each property, as a share of the range of the pixels: 255 steps from black to white."""
    table = properties_of(results, "numbers")
    samples = dict(zip(table["property"], table["deviation"] / 255.0, strict=True))
    return Evidence(exact(samples), facts=property_facts(table))
