"""Scores of a trained classifier's outputs: accuracy, likelihood and calibration, before and after a temperature."""

from typing import NamedTuple

import torch
from torch import Tensor

from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.randomness import generator
from dlstudy.core.calibration import ece, fit_temperature, nll
from dlstudy.core.networks import EVALUATION_BATCH
from dlstudy.tuning.jobs import Job, Row
from dlstudy.tuning.stacks import Images, Stack


class Outputs(NamedTuple):
    """Of one trained model, (images, classes)."""

    validation: Tensor
    test: Tensor


def right(outputs: Tensor, classes: Tensor) -> Tensor:
    """Which images are classified right; (images,) of bool."""
    return outputs.argmax(1) == classes


def share(which: Tensor) -> float:
    return int(which.sum()) / len(which)


def scores_of(outputs: Outputs, validation_classes: Tensor, test_classes: Tensor) -> dict[str, float]:
    """Accuracy, negative log-likelihood and calibration error on test, as they are and at a temperature.

    The outputs are taken for logits whatever the loss; the temperature is fitted on the validation split.
    """
    temperature = fit_temperature(outputs.validation, validation_classes)
    scaled = outputs.test.double() / temperature
    return {
        "test_accuracy": share(right(outputs.test, test_classes)),
        "nll": nll(outputs.test, test_classes),
        "ece": ece(outputs.test, test_classes),
        "temperature": temperature,
        "nll_scaled": nll(scaled, test_classes),
        "ece_scaled": ece(scaled, test_classes),
    }


@torch.no_grad()
def outputs_on(stack: Stack, features: Tensor, rows: Tensor) -> Tensor:
    """(members, images, classes) on some rows, each member's own ones: (members, images)."""
    return torch.cat([stack.outputs(features[part]) for part in rows.split(EVALUATION_BATCH // len(rows), 1)], 1)


def scoring_job(handicap: float | None, images: Images, job: Job) -> list[Row]:
    """The scores of each network of a stack, {} of one that diverged; also with a planted handicap, if one is given."""
    stack = job.trained(images)
    rows = torch.stack([images.division(member.seed)[1] for member in stack.members])
    every = torch.arange(len(images.test)).expand(len(rows), -1)
    validation, test = outputs_on(stack, images.pool.features, rows), outputs_on(stack, images.test.features, every)
    found = []
    for place, (member, finite) in enumerate(zip(stack.members, stack.finite(), strict=True)):
        outputs = Outputs(validation[place], test[place])
        scores = scores_of(outputs, images.pool.targets[rows[place]], images.test.targets) if finite else {}
        if finite and handicap is not None:
            which = right(outputs.test, images.test.targets)
            scores["handicapped"] = share(handicapped(which, handicap, generator(member.seed, "handicap")))
        found.append(scores)
    return found


def handicapped(which: Tensor, handicap: float, stream: torch.Generator) -> Tensor:
    """Which images are right, (images,), once a share of all, drawn among the right ones, has been made wrong."""
    rows = which.nonzero().squeeze(1)
    num_spoilt = round(handicap * len(which))
    if num_spoilt > len(rows):
        raise StudyError(
            f"experiments.losses.handicap: expected at most the share that is classified right, {share(which)}, "
            f"found {handicap}"
        )
    spoilt = rows[torch.randperm(len(rows), generator=stream)[:num_spoilt]]
    return which.index_fill(0, spoilt, False)
