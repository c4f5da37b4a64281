"""Parameters of the train stages: one entry a model."""

from functools import partial
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationInfo, field_validator

from dlstudy.core.base.params import (
    EntryName,
    Items,
    PositiveFloat,
    PositiveInt,
    Section,
    Seed,
    each_once,
    within_split,
)

DataName = Literal["images", "housing", "synthetic"]
LossName = Literal["cross_entropy", "squared_error"]
InitName = Literal["zeros", "pytorch", "xavier", "lecun", "he", "xavier4"]

ACTIVATION_CLASSES: Final = {
    "identity": "Identity",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "leaky_relu": "LeakyReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "elu": "ELU",
    "celu": "CELU",
    "hardshrink": "Hardshrink",
    "hardsigmoid": "Hardsigmoid",
    "hardswish": "Hardswish",
    "hardtanh": "Hardtanh",
    "log_sigmoid": "LogSigmoid",
    "mish": "Mish",
    "relu6": "ReLU6",
    "selu": "SELU",
    "softplus": "Softplus",
    "softshrink": "Softshrink",
    "softsign": "Softsign",
    "tanhshrink": "Tanhshrink",
}
"""From the name in params.yaml to the class in torch.nn: what acts on each number by itself and learns nothing.

In full, because parameters are checked where torch is not imported.
"""


def _is_activation(name: str) -> str:
    if name not in ACTIVATION_CLASSES:
        raise ValueError(f"expected an activation of torch.nn, one of {', '.join(ACTIVATION_CLASSES)}, found {name!r}")
    return name


ActivationName = Annotated[str, AfterValidator(_is_activation)]


def _is_prepared(name: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("data_names")
    if known is not None and name not in known:
        raise ValueError(f"expected one of {', '.join(known)}, found {name!r}")
    return name


PreparedName = Annotated[EntryName, AfterValidator(_is_prepared)]
"""A data set by its DataName, or by its name in the section `features`."""

Seeds = Annotated[Items[Seed], Field(min_length=1), AfterValidator(partial(each_once, what="seed"))]


class ClosedFormParams(Section):
    """Linear regression by least squares, solved at once."""

    method: Literal["closed_form"]
    data: Literal["housing", "synthetic"]


class SgdParams(Section):
    """A network of fully connected layers, trained by minibatch SGD whose learning rate falls to 0."""

    method: Literal["sgd"]
    data: PreparedName
    hidden: Items[PositiveInt]  # width of each hidden layer; empty for a linear model
    activation: Annotated[ActivationName | None, Field(validate_default=True)] = None  # of the hidden layers
    init: InitName
    lr: PositiveFloat  # of the first step
    batch_size: PositiveInt
    num_epochs: PositiveInt
    loss: LossName | None = None  # cross_entropy for classes, squared_error for numbers, unless said otherwise

    @field_validator("loss")
    @classmethod
    def _fits_the_targets(cls, loss: str | None, info: ValidationInfo) -> str | None:
        data = info.data.get("data")
        if loss == "cross_entropy" and data in ("housing", "synthetic"):
            raise ValueError(f"expected squared_error for the numbers of {data}, found {loss!r}")
        return loss

    @field_validator("activation")
    @classmethod
    def _where_there_are_hidden_layers(cls, activation: str | None, info: ValidationInfo) -> str | None:
        hidden = info.data.get("hidden")
        if hidden and activation is None:
            raise ValueError("expected an activation for the hidden layers, found none")
        if hidden == () and activation is not None:
            raise ValueError(f"expected none without hidden layers, found {activation!r}")
        return activation

    @field_validator("batch_size")
    @classmethod
    def _within_the_training_split(cls, batch_size: int, info: ValidationInfo) -> int:
        data = info.data.get("data")
        return batch_size if data is None else within_split(batch_size, info, data)


SEEDS: TypeAdapter[tuple[int, ...]] = TypeAdapter(Seeds)
