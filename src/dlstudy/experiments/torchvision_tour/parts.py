"""What the installed torchvision consists of: its modules, with the public classes and functions of each.

A name is public that its module lists in `__all__`, or, where there is no such list, that does not begin with an
underscore. A class or function counts once in the part that defines it, by however many names it can be reached.
"""

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Part:
    """A module of torchvision, with all public modules below it."""

    name: str  # "transforms"
    modules: tuple[ModuleType, ...]
    not_imported: tuple[str, ...]  # compiled libraries and what needs software that is not installed

    @property
    def members(self) -> list[Any]:
        """Its public classes and functions, each once."""
        found = dict.fromkeys(each for module in self.modules for each in public(module))
        package = f"torchvision.{self.name}."
        return [each for each in found if f"{getattr(each, '__module__', '')}.".startswith(package)]


def public(module: ModuleType) -> list[Any]:
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    found = [getattr(module, name, None) for name in names]
    return [each for each in found if inspect.isclass(each) or inspect.isroutine(each)]


def parts() -> list[Part]:
    """The public modules of torchvision, in the order of their names."""
    import torchvision

    found = pkgutil.iter_modules(torchvision.__path__)
    return [part(each.name) for each in found if not each.name.startswith("_") and has_source(each.name)]


def has_source(name: str) -> bool:
    """Whether a module is written in Python: a compiled library beside it is nothing that a reader imports."""
    spec = importlib.util.find_spec(f"torchvision.{name}")
    return spec is not None and str(spec.origin).endswith(".py")


def part(name: str) -> Part:
    top = importlib.import_module(f"torchvision.{name}")
    modules, not_imported = [top], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some modules are deprecated, and say so when they are imported
        for below in names_below(top):
            try:
                modules.append(importlib.import_module(below))
            except ImportError:
                not_imported.append(below)
    return Part(name, tuple(modules), tuple(not_imported))


def names_below(module: ModuleType) -> Iterator[str]:
    """The public modules below a package, at any depth."""
    for each in pkgutil.iter_modules(getattr(module, "__path__", []), f"{module.__name__}."):
        if not each.name.rsplit(".", 1)[-1].startswith("_"):
            yield each.name
            if each.ispkg:
                yield from names_below(importlib.import_module(each.name))


def part_table(found: list[Part]) -> pd.DataFrame:
    """One row per part: its modules, public classes and public functions."""
    rows = []
    for each in found:
        members = each.members
        num_classes = sum(map(inspect.isclass, members))
        num_functions = len(members) - num_classes
        rows.append((each.name, len(each.modules), num_classes, num_functions))
    return pd.DataFrame(rows, columns=["part", "num_modules", "num_classes", "num_functions"])
