"""The measure of a reading, by the name in its document."""

from collections.abc import Callable
from types import ModuleType
from typing import Final

from dlstudy.core.base.params import ParamsError
from dlstudy.judging.evidence import Evidence
from dlstudy.judging.statements import FOLDER, Reading
from dlstudy.measures import census, cost, ladder, linear, linearity, losses, outputs, sgd, signal, softmax, torchvision
from dlstudy.study.results import Results

MODULES: Final[dict[str, ModuleType]] = {
    module.__name__.rpartition(".")[2]: module
    for module in (census, cost, ladder, linear, linearity, losses, outputs, sgd, signal, softmax, torchvision)
}


def measured(reading: Reading, results: Results) -> Evidence:
    """What the reading's measure finds in the results; ParamsError where its document names no measure."""
    document = f"{FOLDER / reading.statement.id}.md: readings.{reading.name}"
    module, _, function = reading.en.measure.partition(".")
    measure: Callable[..., Evidence] | None = getattr(MODULES.get(module), function, None)
    if measure is None:
        known = ", ".join(sorted(MODULES))
        raise ParamsError(
            f"{document}.measure: expected a function in one of the modules of dlstudy.measures ({known}), found "
            f"{reading.en.measure}"
        )
    try:
        return measure(results, **reading.en.given)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        found = f"expected the arguments of {reading.en.measure}, found {reading.en.given} ({error})"
        raise ParamsError(f"{document}.given: {found}") from None
