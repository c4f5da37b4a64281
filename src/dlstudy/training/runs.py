"""What training leaves: for each seed a run, its trained parameters and its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from torch import Tensor

from dlstudy.core.dataset import Task, load_tensors, save_tensors
from dlstudy.training.losses import Scores

Parameters = dict[str, Tensor]
"""A network's state_dict: the name of each parameter and its values."""


@dataclass(frozen=True)
class Epoch:
    """Scores after an epoch (or part of one: 0.5); epoch 0 is before training. Losses are of standardised targets.

    Those on the training split are, from epoch 1, the mean over the epoch's minibatches, each scored just before
    its step: they cost nothing extra, and lag behind the parameters by half an epoch.
    """

    epoch: float
    train: Scores
    validation: Scores


@dataclass(frozen=True)
class Run:
    seed: int
    parameters: Parameters
    history: tuple[Epoch, ...]


def save_runs(path: Path, runs: Sequence[Run]) -> None:
    """Write the trained parameters of every run into one file of tensors."""
    save_tensors(path, {str(run.seed): run.parameters for run in runs})


def load_runs(path: Path) -> dict[int, Parameters]:
    """The trained parameters of every run, by seed."""
    return {int(seed): parameters for seed, parameters in load_tensors(path).items()}


def history_table(runs: Sequence[Run], task: Task) -> pd.DataFrame:
    """One row per seed and epoch: losses and, in classification, accuracies on train and validation."""
    rows = [
        (run.seed, each.epoch, each.train.loss, each.validation.loss, each.train.accuracy, each.validation.accuracy)
        for run in sorted(runs, key=lambda run: run.seed)
        for each in run.history
    ]
    columns = ["seed", "epoch", "train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]
    return pd.DataFrame(rows, columns=columns).loc[:, columns if task == "classification" else columns[:4]]
