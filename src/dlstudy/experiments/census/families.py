"""The families of torchvision's image classifiers, each with its paper and the year of that."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, field_validator

from dlstudy.core.base.params import Items, ParamsError, Section, read_yaml, validated

FILE: Final = Path(__file__).with_name("families.yaml")


class Family(Section):
    """The networks of one paper."""

    name: str
    year: Annotated[int, Field(ge=1950, le=2100)]  # in which it was first public
    source: str  # its authors, and the venue or the number on arXiv
    builders: Annotated[Items[str], Field(min_length=1)]  # torchvision's functions that build one of them


class Families(Section):
    families: Annotated[Items[Family], Field(min_length=1)]

    @field_validator("families")
    @classmethod
    def _each_once(cls, families: tuple[Family, ...]) -> tuple[Family, ...]:
        for kind, names in (
            ("family", [family.name for family in families]),
            ("builder", [builder for family in families for builder in family.builders]),
        ):
            if twice := [name for name, num in Counter(names).items() if num > 1]:
                raise ValueError(f"expected each {kind} once, found more of {', '.join(twice)}")
        return families


def load_families(path: Path = FILE) -> tuple[Family, ...]:
    return validated(read_yaml(path), Families, path=path).families


def chosen(families: Sequence[Family], names: Sequence[str]) -> tuple[Family, ...]:
    """The families of these names, or all if there are none; ParamsError for a name that is no family's."""
    if unknown := sorted(set(names) - {family.name for family in families}):
        known = ", ".join(family.name for family in families)
        raise ParamsError(f"experiments.census.families: expected names among {known}, found {', '.join(unknown)}")
    return tuple(family for family in families if family.name in names or not names)


def family_of(families: Iterable[Family]) -> dict[str, Family]:
    """The family of each builder."""
    return {builder: family for family in families for builder in family.builders}
