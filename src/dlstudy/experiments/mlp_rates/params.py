"""Parameters of the experiment that tunes the learning rates of `train`'s multilayer perceptrons."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from dlstudy.core.base.params import EntryName, Items, Section, each_once
from dlstudy.core.params import Seeds
from dlstudy.tuning.params import Rates


class MlpRatesParams(Section):
    """Models of `train`, tuned as they are trained: widths, initialiser, minibatches and epochs are read there."""

    models: Annotated[Items[EntryName], Field(min_length=1), AfterValidator(partial(each_once, what="name"))]
    learning_rates: Rates  # tried first; then neighbours of the best
    tuning_seeds: Annotated[Seeds, Field(min_length=2)]  # their spread is the noise that a difference is held against
