"""Parameters of the ladder: activations x depths x training budgets."""

from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from dlstudy.core.base.params import (
    EntryName,
    Fraction,
    Items,
    NumTrainingImages,
    PositiveInt,
    Section,
    ascending,
    each_once,
)
from dlstudy.core.params import ActivationName, Seeds
from dlstudy.tuning.params import Budgets, Rates, TunedSection

EachOnce = AfterValidator(partial(each_once, what="name"))
LadderInitName = Literal["matching", "pytorch", "xavier", "he"]
Optimiser = Literal["sgd", "adam"]
Momentum = Annotated[float, Field(ge=0, lt=1)]  # of SGD
NumHidden = Annotated[int, Field(ge=0)]  # 0: softmax regression
Depths = Annotated[Items[NumHidden], Field(min_length=1), AfterValidator(ascending)]
Activations = Annotated[Items[ActivationName], Field(min_length=1), EachOnce]
Inits = Annotated[Items[LadderInitName], Field(min_length=1), EachOnce]


class Protocol(TunedSection):
    """How every activation is tried: what all stages of the ladder depend on."""

    depths: Depths  # hidden layers
    budgets: Budgets  # epochs; a training of its own for each, with a learning rate that falls to 0
    short_depths: Annotated[Items[PositiveInt], AfterValidator(ascending)] = ()  # without the longest budget
    width: PositiveInt  # of every hidden layer
    batch_size: NumTrainingImages
    optimiser: Optimiser = "sgd"
    momentum: Momentum = 0.0
    learning_rates: Rates  # of the first rung, for each initialiser
    inits: Inits  # of the hidden layers; the output layer starts as PyTorch's do, whatever they are
    weights: EntryName = "weights"  # the stream that draws the initial weights

    @model_validator(mode="after")
    def _short_depths_are_depths(self) -> "Protocol":
        if unknown := sorted(set(self.short_depths) - set(self.depths)):
            raise ValueError(f"expected short_depths that are depths, found {unknown} beside {list(self.depths)}")
        return self

    def budgets_of(self, depth: int) -> tuple[float, ...]:
        return self.budgets[:-1] if depth in self.short_depths else self.budgets


class Arm(Section):
    """A protocol that differs from the ladder's in what it names, for some activations."""

    activations: Activations
    depths: Depths | None = None
    budgets: Budgets | None = None
    width: PositiveInt | None = None
    optimiser: Optimiser | None = None
    momentum: Momentum | None = None
    learning_rates: Rates | None = None
    tuning_seeds: Seeds | None = None
    weights: EntryName | None = None

    def protocol(self, base: Protocol) -> Protocol:
        """The ladder's protocol with what the arm changes; ValueError (pydantic's) if the two do not fit."""
        changes = {name: value for name, value in self if name != "activations" and value is not None}
        depths = changes.get("depths", base.depths)
        short = () if "budgets" in changes else tuple(each for each in base.short_depths if each in depths)
        return Protocol.model_validate({**dict(base), **changes, "short_depths": short})


class Thresholds(Section):
    """What readings hold the trainings against: a change judges again and trains nothing."""

    trainable: Fraction  # validation accuracy from which on a network counts as trained


class LadderParams(Section):
    activations: Activations  # a stage each
    protocol: Protocol
    thresholds: Thresholds
    arms: dict[EntryName, Arm]  # a stage each

    @model_validator(mode="after")
    def _arms_fit(self) -> "LadderParams":
        for arm in self.arms.values():
            arm.protocol(self.protocol)
        return self
