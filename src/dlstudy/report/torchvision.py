"""The values on the page of torchvision: its model families, and those of its networks that are trained here."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from dlstudy.literature.published import Published
from dlstudy.measures.samples import records
from dlstudy.measures.torchvision import BASELINE, BILLION, CENSUS, NAMED, PERCEPTRON, TOUR
from dlstudy.report.classifiers import classifier
from dlstudy.study.results import Results

Context = dict[str, Any]

PER_CLASS: Final = 10  # as figures.galleries, which imports torch, has it
NUM_TRANSFORMED: Final = 4  # likewise


def torchvision_context(results: Results, published: Published) -> Context:
    models = [
        classifier(results, name, params) | {"looked": last_look(results, name)}
        for name, params in results.vision().items()
    ]
    classifiers = results.classifiers()
    return {
        "models": models,
        "beside": beside_rows(models, published),
        "plain": [plain_row(results, name) for name in (BASELINE, PERCEPTRON) if name in classifiers],
        "transfers": transfer_rows(results, models),
        "families": family_rows(results.experiment(CENSUS, "builders")),
        "builders": builder_rows(results.experiment(CENSUS, "builders")),
        "tour": results.experiment_facts(TOUR),
        "images": results.facts("images"),
        "num_classes": len(results.facts("images")["class_names"]),
        "gallery": gallery_sizes(results.facts("images")),
        "linear": next(iter(results.classifiers(hidden=False)), None),
        "hidden": next(iter(results.classifiers(hidden=True)), None),
        "any_classifier": bool(classifiers or models),
    }


def gallery_sizes(facts: Context) -> dict[str, int]:
    """How many images the galleries show: of a class at most, and as examples of transforms."""
    return {
        "each": min(PER_CLASS, max(facts["num_examples_by_class"]["train"])),
        "transformed": min(NUM_TRANSFORMED, len(facts["class_names"])),
    }


# --- Networks that are trained here ---


def last_look(results: Results, name: str) -> float:
    """The accuracy on the validation images that a network is looked at with, at its end; the mean of the seeds."""
    history = results.history(name)
    return float(history[history["epoch"] == history["epoch"].max()]["validation_accuracy"].mean())


def plain_row(results: Results, name: str) -> Context:
    """A model of the study to hold the networks against."""
    return {"name": name, "test": results.metrics(name)["test_accuracy"]}


def beside_rows(models: Sequence[Context], published: Published) -> list[Context]:
    """One a published figure that stands beside a network, with the difference in accuracy points."""
    by_name = {model["name"]: model for model in models}
    return [
        {
            "figure": figure,
            "ours": by_name[figure.beside],
            "difference": 100 * (by_name[figure.beside]["test"] - figure.value),
        }
        for figure in published.fashion_mnist
        if figure.beside in by_name
    ]


def transfer_rows(results: Results, models: Sequence[Context]) -> list[Context]:
    """One a model that starts from pretrained weights or from features that such a network makes of the images."""
    rows: list[Context] = [
        {
            "name": model["name"],
            "how": f"all layers trained on from {model['params'].weights}",
            "test": model["test"],
            "scratch": scratch_of(models, model["params"].builder),
        }
        for model in models
        if model["params"].weights is not None
    ]
    for name, params in results.transfers().items():
        how = f"softmax regression on the features `{params.data}`"
        rows.append({"name": name, "how": how, "test": results.metrics(name)["test_accuracy"], "scratch": None})
    return rows


def scratch_of(models: Sequence[Context], builder: str) -> Context | None:
    """The first network of the same builder that is trained from scratch."""
    same = (model for model in models if model["params"].builder == builder and model["params"].weights is None)
    return next(same, None)


# --- What torchvision offers ---


def family_rows(builders: pd.DataFrame) -> list[Context]:
    """A row a family, the oldest first: the range of its sizes, and the builder whose default weights are best."""
    rows = []
    for (year, family), own in builders.groupby(["year", "family"]):
        best = own.nlargest(1, "acc_at_1").to_dict("records")[0]
        rows.append(
            {
                "family": family,
                "year": year,
                "num_builders": len(own),
                "activation": own["activation"].mode()[0],
                "parameters": own["num_parameters"].agg(["min", "max"]).tolist(),
                "operations": (own["num_operations"] / BILLION).agg(["min", "max"]).tolist(),
                "best": {str(key): value for key, value in best.items()},
            }
        )
    return rows


def builder_rows(builders: pd.DataFrame) -> list[Context]:
    """Every builder, the most accurate first; the note's three are marked."""
    ordered = builders.sort_values(["acc_at_1", "builder"], ascending=[False, True])
    return [
        row | {"named": row["builder"] in NAMED, "operations": row["num_operations"] / BILLION}
        for row in records(ordered)
    ]
