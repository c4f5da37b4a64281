"""Parameters of the experiment on published networks: others' networks, trained by the study's own engine."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from dlstudy.core.base.params import Items, NumTrainingImages, PositiveFloat, PositiveInt, Section, each_once
from dlstudy.core.params import ActivationName, InitName


class TableNetwork(Section):
    """One shape of the table."""

    hidden: Annotated[Items[PositiveInt], Field(min_length=1)]  # width of each hidden layer
    num_epochs: Annotated[int, Field(ge=2)]  # what the last of them brings is told


def _each_shape_once(networks: tuple[TableNetwork, ...]) -> tuple[TableNetwork, ...]:
    each_once(tuple(network.hidden for network in networks), "shape")
    return networks


class TableParams(Section):
    """The perceptrons of a published table: every shape with every activation, by Adam at a constant learning rate."""

    networks: Annotated[Items[TableNetwork], Field(min_length=1), AfterValidator(_each_shape_once)]
    activations: Annotated[Items[ActivationName], Field(min_length=2), AfterValidator(partial(each_once, what="name"))]
    init: InitName
    lr: PositiveFloat
    batch_size: NumTrainingImages
    num_seeds: PositiveInt  # the first of the study's seeds; all of them, if they are fewer


class TutorialRun(Section):
    """One activation of the tutorial's network under one initialisation."""

    activation: ActivationName
    init: InitName


def _each_run_once(runs: tuple[TutorialRun, ...]) -> tuple[TutorialRun, ...]:
    each_once(tuple((run.activation, run.init) for run in runs), "run")
    return runs


class TutorialParams(Section):
    """The network of a tutorial, by SGD with momentum at a constant learning rate, until it begins to learn."""

    hidden: Annotated[Items[PositiveInt], Field(min_length=2)]  # between two of them there must be a ratio
    runs: Annotated[Items[TutorialRun], Field(min_length=1), AfterValidator(_each_run_once)]
    lr: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]
    batch_size: NumTrainingImages
    max_epochs: PositiveInt  # a training that has not begun to learn by then ends
    patience: PositiveInt  # epochs without a better validation accuracy after which the tutorial stops
    num_seeds: PositiveInt  # the first of the study's seeds; all of them, if they are fewer
    num_images: NumTrainingImages  # of the training split, through which signals are measured before training


class PublishedNetworksParams(Section):
    table: TableParams
    tutorial: TutorialParams
