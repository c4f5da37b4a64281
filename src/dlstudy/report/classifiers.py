"""What pages show of a classifier of images, of either kind of network."""

from collections.abc import Sequence
from operator import itemgetter

import pandas as pd

from dlstudy.data.image_sets import SIDE
from dlstudy.literature.published import Published
from dlstudy.measures.samples import records
from dlstudy.report.markdown import Context
from dlstudy.study.results import Results
from dlstudy.training.params import SgdParams
from dlstudy.vision.params import VisionParams


def classifier(results: Results, name: str, params: SgdParams | VisionParams) -> Context:
    """A row of the result table, with the values on the page of the classifier.

    `looked` is the accuracy on the validation images that a network is looked at with in training, at its end.
    """
    metrics = results.metrics(name)
    per_seed = results.table(name, "per_seed")
    test = per_seed.loc[per_seed["split"] == "test", "accuracy"]
    per_class = records(results.table(name, "per_class"))
    history = results.history(name)
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
    return [
        {"figure": figure, "ours": by_name[figure.beside]}
        for figure in published.fashion_mnist
        if figure.beside in by_name
    ]
