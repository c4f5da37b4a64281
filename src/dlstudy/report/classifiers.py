"""What pages show of classifiers of images: scores, the learning rates that tuning finds, torchvision's networks."""

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

import pandas as pd

from dlstudy.core.params import SgdParams
from dlstudy.data.image_sets import SIDE
from dlstudy.judging.statistics import paired_differences, t_interval
from dlstudy.literature.published import Published
from dlstudy.measures.samples import records
from dlstudy.measures.torchvision import BASELINE, BILLION, CENSUS, NAMED, PERCEPTRON, TOUR
from dlstudy.report.markdown import Context
from dlstudy.study.ladder import POINTS
from dlstudy.study.results import LEAST_SIDE, Results
from dlstudy.tuning.params import PER_DECADE, learning_rate
from dlstudy.vision.params import VisionParams

PER_CLASS: Final = 10  # as figures.galleries, which imports torch, has it
NUM_TRANSFORMED: Final = 4  # likewise


def classifier(results: Results, name: str, params: SgdParams | VisionParams) -> Context:
    """A row of the result table, with the values on the page of the classifier.

    `looked` is the accuracy on the validation images that a network is looked at with in training, at its end.
    """
    metrics, per_seed, history = results.metrics(name), results.table(name, "per_seed"), results.history(name)
    test = per_seed.loc[per_seed["split"] == "test", "accuracy"]
    per_class = records(results.table(name, "per_class"))
    last = history[history["epoch"] == history["epoch"].max()]
    return {
        "name": name,
        "params": params,
        "page": page_of(params),
        "layers": layers(params, len(results.facts("images")["class_names"])),
        "num_seeds": len(test),
        "test": metrics["test_accuracy"],
        "test_std": metrics.get("test_accuracy_std"),
        "test_min": test.min(),
        "test_max": test.max(),
        "validation": metrics["validation_accuracy"],
        "looked": last["validation_accuracy"].mean(),
        "train": last["train_accuracy"].mean(),
        "hardest": min(per_class, key=itemgetter("recall")),
        "easiest": max(per_class, key=itemgetter("recall")),
        "per_class": per_class,
        "confusions": worst_confusions(results.table(name, "confusion")),
    }


def page_of(params: SgdParams | VisionParams) -> str:
    """The page on which the model is described, without the ending."""
    if isinstance(params, VisionParams):
        return "torchvision"
    return "multilayer_perceptron" if params.hidden else "softmax_regression"


def layers(params: SgdParams | VisionParams, num_classes: int) -> str:
    """A network in words: "784-256-10, relu", or "resnet18 of torchvision, images of 28 pixels a side"."""
    if isinstance(params, VisionParams):
        return f"{params.builder} of torchvision, images of {params.resolution} pixels a side"
    widths = "-".join(map(str, [SIDE**2, *params.hidden, num_classes]))
    return f"{widths}, {params.activation}" if params.hidden else widths


def worst_confusions(confusion: pd.DataFrame) -> list[Context]:
    """The three commonest mistakes: class, predicted class, and the share of the class that it affects."""
    totals = confusion.groupby("class")["count"].transform("sum")
    shares = confusion.assign(share=confusion["count"] / totals)
    return records(shares[shares["class"] != shares["predicted"]].nlargest(3, "share"))


def beside(models: Sequence[Context], published: Published) -> list[Context]:
    """One per published figure that stands beside one of the models, with that model."""
    by_name = {model["name"]: model for model in models}
    figures = [figure for figure in published.fashion_mnist if figure.beside in by_name]
    return [{"figure": figure, "ours": by_name[figure.beside]} for figure in figures]


def rate_rows(results: Results) -> list[Context]:
    """One per tuned perceptron, in their order: what was tried at as many epochs, what is best, what params.yaml uses.

    `nearest` is the rate of the grid 10^(k/4) that is nearest to that of params.yaml on a logarithmic scale, and
    `behind` how many points of validation accuracy it is behind the tuned one, paired by tuning seed; both are None if
    it was not tried. The accuracy of a rate that diverged is 0.
    """
    rows, models = [], results.classifiers(hidden=True)
    for name in (each for each in results.study.experiments.mlp_rates.models if each in models):
        model, choice = models[name], results.experiment_facts(f"mlp_rates/{name}")
        table = results.experiment(f"mlp_rates/{name}", "tuning").set_index("seed")
        tried = {float(str(lr)): scores for lr, scores in table.groupby("lr")["validation_accuracy"]}
        nearest, behind, finding = learning_rate(round(PER_DECADE * math.log10(model.lr))), None, "not tried"
        if nearest in tried:
            points = POINTS * paired_differences(tried[choice["lr"]], tried[nearest])
            behind = t_interval(points.tolist(), results.study.judge.confidence)
            finding = "worse" if behind.low > 0 else "within the noise"
        row = {
            "name": name,
            "tried": [{"lr": lr, "mean": scores.mean()} for lr, scores in tried.items()],
            "num_epochs": model.num_epochs,
            "tuned": choice["lr"],
            "at_edge": choice["at_edge"],
            "own": model.lr,
            "nearest": nearest if behind else None,
            "behind": behind,
            "finding": "tuned" if nearest == choice["lr"] else finding,
        }
        rows.append(row)
    return rows


def torchvision_context(results: Results, published: Published) -> Context:
    """The page of torchvision: its model families, and those of its networks that are trained here.

    `gallery`: how many images the galleries show, of a class at most and as examples of transforms; `filters`: the
    networks whose filters are shown.
    """
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
        "filters": list(results.large_filters()),
        "least_side": LEAST_SIDE,
        "any_classifier": bool(classifiers or models),
    }


def transfer_rows(results: Results, models: Sequence[Context]) -> list[Context]:
    """One per model that starts from pretrained weights or from features that such a network makes of the images.

    `scratch` is the first network of the same builder that is trained from scratch.
    """
    scratch = {model["params"].builder: model for model in reversed(models) if model["params"].weights is None}
    rows: list[Context] = []
    for model in models:
        if (weights := model["params"].weights) is not None:
            how, before = f"all layers trained on from {weights}", scratch.get(model["params"].builder)
            rows.append({"name": model["name"], "how": how, "test": model["test"], "scratch": before})
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
    ordered = records(builders.sort_values(["acc_at_1", "builder"], ascending=[False, True]))
    return [row | {"named": row["builder"] in NAMED, "operations": row["num_operations"] / BILLION} for row in ordered]
