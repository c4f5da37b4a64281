"""Trained models on the test split: tables of scores, classes, mistakes, predictions and coefficients.

A run is one seed. `parameters` is what `load_runs` gives: the parameters of each run, by seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dlstudy.core.base.dataset import Dataset, Split
from dlstudy.core.calibration import chance_ece, ece, fit_temperature, nll, reliability
from dlstudy.core.networks import Parameters, build_network, cross_entropy, num_correct, outputs_of
from dlstudy.core.params import ClosedFormParams, SgdParams


def network_outputs(
    dataset: Dataset, split: Split, parameters: Mapping[int, Parameters], model: ClosedFormParams | SgdParams
) -> dict[int, Tensor]:
    """The outputs (examples, outputs) of every run on a split: logits, or standardised predictions."""
    standardised = dataset.standardised(split)
    hidden, activation = (model.hidden, model.activation) if isinstance(model, SgdParams) else ((), None)
    widths = dataset.num_features, hidden, dataset.num_outputs
    network = build_network(*widths, activation=activation, dtype=dataset.dtype)
    outputs = {}
    for seed, values in parameters.items():
        network.load_state_dict(values)
        outputs[seed] = outputs_of(network, standardised.features)
    return outputs


def classification_scores(split: Split, logits: Mapping[int, Tensor]) -> pd.DataFrame:
    """One row per seed: mean cross-entropy and accuracy."""
    losses = [cross_entropy(values, split.targets).item() for values in logits.values()]
    accuracies = [num_correct(values, split.targets).item() / len(split) for values in logits.values()]
    return pd.DataFrame({"seed": list(logits), "loss": losses, "accuracy": accuracies})


def correctness(split: Split, logits: Mapping[int, Tensor]) -> pd.DataFrame:
    """One row per seed: whether each example is classified right, a bit an example, written as a hexadecimal number.

    The first example is the highest bit; zeros fill the last byte. `measures.torchvision.right_examples` reads it.
    """
    right = [np.packbits((values.argmax(1) == split.targets).numpy()) for values in logits.values()]
    digits = [f"0x{bits.tobytes().hex()}" for bits in right]
    return pd.DataFrame({"seed": list(logits), "num": len(split), "correct": digits})


def confusion_counts(split: Split, logits: Mapping[int, Tensor], num_classes: int) -> Tensor:
    """How often (class, predicted class) came up, summed over the runs; (classes, classes)."""
    predicted = torch.cat([values.argmax(1) for values in logits.values()])
    pairs = split.targets.repeat(len(logits)) * num_classes + predicted
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def confusion_table(counts: Tensor, class_names: Sequence[str]) -> pd.DataFrame:
    """One row per pair (class, predicted class), with its count."""
    table = pd.DataFrame(product(class_names, repeat=2), columns=["class", "predicted"])
    return table.assign(count=counts.flatten().numpy())


def class_scores(counts: Tensor, class_names: Sequence[str]) -> pd.DataFrame:
    """One row per class: precision, recall and F1 over all runs; 0 where a class was never predicted."""
    right = counts.diagonal().double()
    precision = right / counts.sum(0).clamp(min=1)
    recall = right / counts.sum(1).clamp(min=1)
    f1 = 2 * right / (counts.sum(0) + counts.sum(1)).clamp(min=1)
    return pd.DataFrame({"class": class_names, "precision": precision, "recall": recall, "f1": f1})


def mean_probabilities(logits: Mapping[int, Tensor]) -> Tensor:
    """The softmax probabilities (examples, classes), averaged over the runs."""
    return torch.stack([values.double().softmax(1) for values in logits.values()]).mean(0)


def classification_predictions(split: Split, logits: Mapping[int, Tensor]) -> pd.DataFrame:
    """One row per example: its class, what the mean of the runs predicts and how surely, and each run's prediction."""
    probabilities = mean_probabilities(logits)
    confidence, predicted = probabilities.max(1)
    columns = {"index": range(len(split)), "class": split.targets, "predicted": predicted, "confidence": confidence}
    return pd.DataFrame(columns | {f"seed_{seed}": values.argmax(1) for seed, values in logits.items()})


def confident_mistakes(
    images: Tensor, predictions: pd.DataFrame, class_names: Sequence[str], num_mistakes: int
) -> pd.DataFrame:
    """The mistakes made with the most confidence, images included: 784 pixels as hexadecimal digits, row by row."""
    wrong = predictions[predictions["class"] != predictions["predicted"]]
    worst = wrong.sort_values(["confidence", "index"], ascending=[False, True]).head(num_mistakes)
    names = {kind: [class_names[label] for label in worst[kind]] for kind in ("class", "predicted")}
    pixels = [images[index].numpy().tobytes().hex() for index in worst["index"]]
    return worst[["index", "class", "predicted", "confidence"]].assign(**names, pixels=pixels)


def calibration_table(split: Split, logits: Mapping[int, Tensor], temperature_of: Mapping[int, float]) -> pd.DataFrame:
    """One row per seed: calibration on a split, before and after division by its temperature, and the logits' range.

    nll: nats an image. ece: expected calibration error; chance_ece_scaled: what chance alone gives it after scaling.
    logit_smallest, logit_largest: of all; logit_top: the median over the images of their largest; gap: the median of
    largest minus second largest.
    """
    rows = []
    for seed, values in logits.items():
        scaled = values.double() / temperature_of[seed]
        rows.append(
            {
                "seed": seed,
                "temperature": temperature_of[seed],
                "nll": nll(values, split.targets),
                "ece": ece(values, split.targets),
                "nll_scaled": nll(scaled, split.targets),
                "ece_scaled": ece(scaled, split.targets),
                "chance_ece_scaled": chance_ece(scaled),
                **_range_of(values),
            }
        )
    return pd.DataFrame(rows)


def _range_of(logits: Tensor) -> dict[str, float]:
    largest, second = logits.double().topk(2, dim=1).values.unbind(1)  # (examples,) each
    return {
        "logit_smallest": logits.min().item(),
        "logit_top": largest.quantile(0.5).item(),
        "logit_largest": logits.max().item(),
        "gap": (largest - second).quantile(0.5).item(),
    }


def reliability_table(split: Split, logits: Mapping[int, Tensor], temperature_of: Mapping[int, float]) -> pd.DataFrame:
    """One row per bin of confidence with the examples of all runs, first of the logits as trained, then as scaled."""
    classes = split.targets.repeat(len(logits))
    trained = torch.cat(list(logits.values()))
    scaled = torch.cat([values.double() / temperature_of[seed] for seed, values in logits.items()])
    by_kind = {"trained": reliability(trained, classes), "scaled": reliability(scaled, classes)}
    return pd.concat([table.assign(logits=kind) for kind, table in by_kind.items()])


def in_units(dataset: Dataset, outputs: Tensor) -> Tensor:
    """Standardised predictions (examples, 1) in the unit of the target, (examples,)."""
    assert dataset.target_scale is not None, "a regression data set has a scale of its targets"
    return outputs.squeeze(1) * dataset.target_scale.std + dataset.target_scale.mean


def regression_scores(dataset: Dataset, split: Split, outputs: Mapping[int, Tensor]) -> pd.DataFrame:
    """One row per seed: root mean squared and mean absolute error in the target's unit, and R squared."""
    rows = []
    total = (split.targets - split.targets.mean()).square().mean()
    for seed, values in outputs.items():
        errors = in_units(dataset, values) - split.targets
        mean_square = errors.square().mean()
        rmse, mae, r2 = mean_square.sqrt(), errors.abs().mean(), 1 - mean_square / total
        rows.append({"seed": seed, "rmse": rmse.item(), "mae": mae.item(), "r2": r2.item()})
    return pd.DataFrame(rows)


def regression_predictions(dataset: Dataset, split: Split, outputs: Mapping[int, Tensor]) -> pd.DataFrame:
    """One row per example: its features and target, and each run's prediction, in their units."""
    columns: dict[str, Any] = {"index": range(len(split))}
    columns |= dict(zip(dataset.feature_names, split.features.unbind(1), strict=True))
    columns |= {dataset.target_name: split.targets}
    return pd.DataFrame(columns | {f"seed_{seed}": in_units(dataset, values) for seed, values in outputs.items()})


def coefficients(dataset: Dataset, parameters: Mapping[int, Parameters]) -> pd.DataFrame:
    """One row per seed and coefficient of a linear model, in units: target per feature, and the intercept.

    With standardised x' = (x - mean_x) / std_x and y' likewise, y' = w' x' + b' means w = w' std_y / std_x and
    b = mean_y + b' std_y - w mean_x.
    """
    assert dataset.target_scale is not None, "a regression data set has a scale of its targets"
    names = [*dataset.feature_names, "intercept"]
    rows: list[dict[str, object]] = []
    for seed, values in parameters.items():
        weights = values["0.weight"].squeeze(0) * dataset.target_scale.std / dataset.feature_scale.std
        intercept = dataset.target_scale.mean + values["0.bias"].squeeze(0) * dataset.target_scale.std
        intercept = intercept - weights @ dataset.feature_scale.mean
        for name, value in zip(names, [*weights.tolist(), intercept.item()], strict=True):
            rows.append({"seed": seed, "name": name, "value": value})
    return pd.DataFrame(rows)


def classification_metrics(of_test: pd.DataFrame, of_validation: pd.DataFrame) -> dict[str, float]:
    """The headline: mean accuracy over the seeds, and on test its sample standard deviation (of one seed: none)."""
    metrics = {"test_accuracy": of_test["accuracy"].mean()}
    if len(of_test) > 1:
        metrics["test_accuracy_std"] = of_test["accuracy"].std(ddof=1)
    return metrics | {"validation_accuracy": of_validation["accuracy"].mean()}


def regression_metrics(of_test: pd.DataFrame, of_validation: pd.DataFrame) -> dict[str, float]:
    """The headline: mean over the seeds of the root mean squared error, in the target's unit, and of R squared."""
    return {
        "test_rmse": of_test["rmse"].mean(),
        "test_r2": of_test["r2"].mean(),
        "validation_rmse": of_validation["rmse"].mean(),
    }


@dataclass(frozen=True)
class Evaluation:
    metrics: dict[str, float]  # two or three headline numbers
    predictions: pd.DataFrame  # one row a test example
    tables: dict[str, pd.DataFrame]  # the detail, by name


def evaluate(
    dataset: Dataset, model: ClosedFormParams | SgdParams, parameters: Mapping[int, Parameters], num_mistakes: int
) -> Evaluation:
    """All that is told about a trained model; the only look at the test split."""
    of_validation = network_outputs(dataset, dataset.validation, parameters, model)
    of_test = network_outputs(dataset, dataset.test, parameters, model)
    if dataset.task == "classification":
        return of_classification(dataset, of_validation, of_test, num_mistakes)
    validation_scores = regression_scores(dataset, dataset.validation, of_validation)
    test_scores = regression_scores(dataset, dataset.test, of_test)
    tables = {"per_seed": _by_split(validation_scores, test_scores)}
    if isinstance(model, ClosedFormParams) or not model.hidden:
        tables["coefficients"] = coefficients(dataset, parameters)
    predictions = regression_predictions(dataset, dataset.test, of_test)
    return Evaluation(regression_metrics(test_scores, validation_scores), predictions, tables)


def _by_split(of_validation: pd.DataFrame, of_test: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([of_validation.assign(split="validation"), of_test.assign(split="test")])


def of_classification(
    dataset: Dataset, of_validation: Mapping[int, Tensor], of_test: Mapping[int, Tensor], num_mistakes: int
) -> Evaluation:
    """All that is told about a classifier, from each run's outputs (examples, classes) on the two splits."""
    names = dataset.class_names
    validation_scores = classification_scores(dataset.validation, of_validation)
    test_scores = classification_scores(dataset.test, of_test)
    counts = confusion_counts(dataset.test, of_test, len(names))
    predictions = classification_predictions(dataset.test, of_test)
    classes = dataset.validation.targets
    temperature_of = {seed: fit_temperature(values, classes) for seed, values in of_validation.items()}
    tables = {
        "per_seed": _by_split(validation_scores, test_scores),
        "per_class": class_scores(counts, names),
        "confusion": confusion_table(counts, names),
        "correct": correctness(dataset.test, of_test),
        "mistakes": confident_mistakes(dataset.test_images, predictions, names, num_mistakes),
        "calibration": calibration_table(dataset.test, of_test, temperature_of),
        "reliability": reliability_table(dataset.test, of_test, temperature_of),
    }
    return Evaluation(classification_metrics(test_scores, validation_scores), predictions, tables)
