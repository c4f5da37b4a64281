"""The values on the page of torchvision: its model families, and those of its networks that are trained here."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from dlstudy.literature.published import Published
from dlstudy.measures.samples import records
from dlstudy.measures.torchvision import BASELINE, BILLION, CENSUS, NAMED, PERCEPTRON, TOUR
from dlstudy.report.classifiers import beside, classifier
from dlstudy.report.markdown import Context
from dlstudy.study.results import Results

PER_CLASS: Final = 10  # as figures.galleries, which imports torch, has it
NUM_TRANSFORMED: Final = 4  # likewise


def torchvision_context(results: Results, published: Published) -> Context:
    """`gallery`: how many images the galleries show, of a class at most and as examples of transforms."""
    models = [classifier(results, name, params) for name, params in results.study.vision.items()]
    classifiers, images = results.classifiers(), results.facts("images")
    return {
        "models": models,
        "beside": beside(models, published),
        "plain": [
            {"name": name, "test": results.metrics(name)["test_accuracy"]}
            for name in (BASELINE, PERCEPTRON)
            if name in classifiers
        ],
        "transfers": transfer_rows(results, models),
        "families": family_rows(results.experiment(CENSUS, "builders")),
        "builders": builder_rows(results.experiment(CENSUS, "builders")),
        "tour": results.experiment_facts(TOUR),
        "gallery": {
            "each": min(PER_CLASS, max(images["num_examples_by_class"]["train"])),
            "transformed": min(NUM_TRANSFORMED, len(images["class_names"])),
        },
        "linear": next(iter(results.classifiers(hidden=False)), None),
        "any_classifier": bool(classifiers or models),
    }


def transfer_rows(results: Results, models: Sequence[Context]) -> list[Context]:
    """One per model that starts from pretrained weights or from features that such a network makes of the images.

    `scratch` is the first network of the same builder that is trained from scratch.
    """
    pretrained = [model for model in models if model["params"].weights is not None]
    scratch = {model["params"].builder: model for model in reversed(models) if model["params"].weights is None}
    rows: list[Context] = [
        {
            "name": model["name"],
            "how": f"all layers trained on from {model['params'].weights}",
            "test": model["test"],
            "scratch": scratch.get(model["params"].builder),
        }
        for model in pretrained
    ]
    for name, params in results.transfers().items():
        how = f"softmax regression on the features `{params.data}`"
        rows.append({"name": name, "how": how, "test": results.metrics(name)["test_accuracy"], "scratch": None})
    return rows


def family_rows(builders: pd.DataFrame) -> list[Context]:
    """A row per family, the oldest first: the range of its sizes, and the builder whose default weights are best."""
    return [
        {
            "family": family,
            "year": year,
            "num_builders": len(own),
            "activation": own["activation"].mode()[0],
            "parameters": own["num_parameters"].agg(["min", "max"]).tolist(),
            "operations": (own["num_operations"] / BILLION).agg(["min", "max"]).tolist(),
            "best": records(own.nlargest(1, "acc_at_1"))[0],
        }
        for (year, family), own in builders.groupby(["year", "family"])
    ]


def builder_rows(builders: pd.DataFrame) -> list[Context]:
    """Every builder, the most accurate first; the note's three are marked."""
    ordered = builders.sort_values(["acc_at_1", "builder"], ascending=[False, True])
    return [
        row | {"named": row["builder"] in NAMED, "operations": row["num_operations"] / BILLION}
        for row in records(ordered)
    ]
