"""Sections of params.yaml as typed, frozen objects; everything wrong with one is told at once."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dlstudy.core.base.errors import StudyError

PARAMS_FILE: Final = Path("params.yaml")

Element = TypeVar("Element")
Number = TypeVar("Number", int, float)
Items = Annotated[tuple[Element, ...], Field(strict=False)]  # YAML has lists; strictness applies to the elements
Fraction = Annotated[float, Field(gt=0, lt=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
PositiveInt = Annotated[int, Field(gt=0)]
NumRows = Annotated[int, Field(ge=2)]  # of a split: one row has no spread to measure errors against
Seed = Annotated[int, Field(ge=0)]
EntryName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # becomes a stage's and a file's name
WeightsName = Annotated[str, Field(pattern=r"^\w+_Weights\.\w+$")]  # as torchvision calls them


def _is_downloaded(name: str, info: ValidationInfo) -> str:
    downloaded = (info.context or {}).get("downloaded_weights")
    if downloaded is not None and name not in downloaded:
        raise ValueError(f"expected a name in download.weights, {list(downloaded)}, found {name!r}")
    return name


DownloadedWeights = Annotated[WeightsName, AfterValidator(_is_downloaded)]


# --- Validators that several sections share ---


def ascending(values: tuple[Number, ...]) -> tuple[Number, ...]:
    """The same values; ValueError unless each is larger than the one before."""
    if list(values) != sorted(set(values)):
        raise ValueError(f"expected ascending numbers, each once, found {list(values)}")
    return values


def each_once(items: tuple[Element, ...], what: str) -> tuple[Element, ...]:
    """The same items; ValueError, in which `what` is the word for them, if two are equal."""
    if len(set(items)) < len(items):
        found = [list(item) if isinstance(item, tuple) else item for item in items]
        raise ValueError(f"expected each {what} once, found {found}")
    return items


def with_claimed(names: tuple[Element, ...], claimed: Sequence[str]) -> tuple[Element, ...]:
    """The same names; ValueError if one is there twice, or one that claims are about is not."""
    each_once(names, "name")
    if missing := [name for name in claimed if name not in names]:
        raise ValueError(f"expected {', '.join(missing)} among the names, which claims are about, found {list(names)}")
    return names


def rows_of(info: ValidationInfo, data: str, split: str = "training") -> int | None:
    """The size of a data set's split; None where a section is read without the others."""
    rows: int | None = (info.context or {}).get(f"num_{split}_rows", {}).get(data)
    return rows


def within_split(number: int, info: ValidationInfo, data: str, split: str = "training") -> int:
    """The same number, of rows that are taken together; ValueError if the split has fewer."""
    rows = rows_of(info, data, split)
    if rows is not None and number > rows:
        raise ValueError(f"expected at most {rows}, the {split} split of {data}, found {number}")
    return number


NumTrainingImages = Annotated[int, Field(gt=0), AfterValidator(partial(within_split, data="images"))]
"""Of training images that are taken together, in a minibatch or otherwise: no more than there are."""


class ParamsError(StudyError, ValueError):
    """params.yaml is not as it should be; the message has a line a problem."""


class Section(BaseModel):
    """A mapping in params.yaml: no unknown keys, no conversions, no NaN or infinity, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def parsed(text: str) -> Any:
    """What YAML 1.2 holds; YAMLError shows the place."""
    try:
        return YAML(typ="safe").load(text)
    except YAMLError:
        return YAML(typ="safe", pure=True).load(text)  # slower by far, but its errors quote the line


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML 1.2 file (where 1e-05 is a number and `no` a word); ParamsError if there is none."""
    try:
        content = parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: expected a file of parameters, found none") from None
    except (YAMLError, ValueError) as error:  # ValueError: no UTF-8, or a date that is none
        raise ParamsError(f"{path}: expected YAML 1.2, found: {error}") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: expected a mapping of sections, found {content!r}")
    return content


Loaded = TypeVar("Loaded")


def load_section(keys: str, kind: type[Loaded] | TypeAdapter[Loaded], path: Path = PARAMS_FILE) -> Loaded:
    """The part of params.yaml under dotted keys ("prepare.housing"); ParamsError tells all its problems."""
    content: Any = read_yaml(path)
    for key in keys.split("."):
        if not isinstance(content, dict) or key not in content:
            raise ParamsError(f"{path}: expected a section {keys}, found none")
        content = content[key]
    return validated(content, kind, prefix=keys, path=path)


def validated(
    content: Any,
    kind: type[Loaded] | TypeAdapter[Loaded],
    *,
    prefix: str = "",
    path: Path = PARAMS_FILE,
    context: Mapping[str, Any] | None = None,
) -> Loaded:
    """`content` as `kind`; ParamsError with a line for each problem: dotted key, what was expected, what was found."""
    adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
    try:
        return adapter.validate_python(content, context=context)
    except ValidationError as error:
        lines = [_problem(dict(details), content, prefix) for details in error.errors(include_url=False)]
    raise problems_error(path, lines)


def problems_error(path: Path, lines: Sequence[str]) -> ParamsError:
    """What is raised for a file with problems: how many, and a line for each."""
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return ParamsError("\n  ".join([f"{path}: {count}", *lines]))


def _problem(details: dict[str, Any], content: Any, prefix: str) -> str:
    keys = list(_keys_in(content, details["loc"]))
    last = details["loc"][-1:]  # nothing where a section is wrong as a whole
    of_a_key = last == ("[key]",)  # what is wrong is the name of an entry
    if details["type"] in ("missing", "value_error") and keys[-1:] != [*last] and not of_a_key:
        keys += last  # what is not there cannot be found in the file
    key = ".".join([*filter(None, [prefix]), *map(str, keys)]) or "(the whole file)"
    context = details.get("ctx", {})
    if "discriminator" in context:
        key += "." + context["discriminator"].strip("'")
    expected, found = details["msg"].removeprefix("Input should be "), repr(details["input"])
    match details["type"]:
        case "value_error":
            return f"{key}: {context['error']}"
        case "extra_forbidden":
            expected = f"no such key{_hint(str(keys[-1]))}"
        case "missing" | "union_tag_not_found":
            expected, found = "a value", "none"
        case "union_tag_invalid":
            expected, found = context["expected_tags"], repr(context["tag"])
        case "finite_number":
            expected, found = "a finite number", str(details["input"])
        case "too_short":
            least = context["min_length"]
            expected = f"at least {least} {'entry' if least == 1 else 'entries'}"
        case "tuple_type":
            expected = "a list"
        case "string_pattern_mismatch":
            expected = f"a name that matches {context['pattern']}"
        case "model_type" | "model_attributes_type" | "dict_type":
            expected = "a mapping"
    return f"{key}: expected {expected}, found {found}"


def _keys_in(content: Any, location: tuple[str | int, ...]) -> Iterator[str | int]:
    """The location less what is not in the file: the names that pydantic gives the members of a union."""
    for key in location:
        if isinstance(key, int) or (isinstance(content, dict) and key in content):
            yield key
            content = content[key]


def _hint(key: str) -> str:
    if key in ("device", "devices", "cuda", "gpu"):
        return " (the study computes on the CPU, so that results are the same bytes everywhere; a GPU is not used)"
    known = {name for section in _sections(Section) for name in section.model_fields}
    close = difflib.get_close_matches(key, sorted(known - {key}), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _sections(parent: type[Section]) -> Iterator[type[Section]]:
    for child in parent.__subclasses__():
        yield child
        yield from _sections(child)
