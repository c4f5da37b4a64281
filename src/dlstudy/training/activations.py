"""The activations that params.yaml may name: those of torch.nn that act on each number by itself and learn nothing.

Their names stand here in full, because parameters are checked where torch is not imported.
"""

from typing import Annotated, Final

from pydantic import AfterValidator

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
"""From the name in params.yaml to the class in torch.nn."""


def _known(name: str) -> str:
    if name not in ACTIVATION_CLASSES:
        raise ValueError(f"expected an activation of torch.nn, one of {', '.join(ACTIVATION_CLASSES)}, found {name!r}")
    return name


ActivationName = Annotated[str, AfterValidator(_known)]
