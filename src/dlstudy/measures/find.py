"""The measure of a reading, by the name in its document."""

from collections.abc import Callable
from types import ModuleType
from typing import Final

from dlstudy.core.base.params import ParamsError
from dlstudy.judging.evidence import Evidence
from dlstudy.judging.statements import FOLDER, Reading
from dlstudy.measures import census, cost, ladder, linear, linearity, losses, outputs, sgd, signal, softmax, torchvision
from dlstudy.study.results import Results

MODULES: Final = (census, cost, ladder, linear, linearity, losses, outputs, sgd, signal, softmax, torchvision)
BY_NAME: Final[dict[str, ModuleType]] = {module.__name__.rpartition(".")[2]: module for module in MODULES}


def measured(reading: Reading, results: Results) -> Evidence:
    """What the reading's measure finds in the results; ParamsError where its document names no measure."""
    document, name = f"{FOLDER / reading.statement.id}.md: readings.{reading.name}", reading.en.measure
    module, _, function = name.partition(".")
    measure: Callable[..., Evidence] | None = getattr(BY_NAME.get(module), function, None)
    if measure is None:
        expected = f"a function in one of the modules of dlstudy.measures ({', '.join(sorted(BY_NAME))})"
        raise ParamsError(f"{document}.measure: expected {expected}, found {name}")
    try:
        return measure(results, **reading.en.given)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        found = f"expected the arguments of {name}, found {reading.en.given} ({error})"
        raise ParamsError(f"{document}.given: {found}") from None
