"""The register of rules: `statements/register.yaml` says when and why a reading's rule or protocol changed.

A fingerprint is a hash of all that decides: rule and thresholds, kind, relation, measure, and the parameters of the
experiment that is judged. One that is not the last registered of its reading is a change that nobody has accounted for.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dlstudy.core.base.params import ParamsError, Section, validated
from dlstudy.judging.statements import FOLDER, Reading

REGISTER: Final = FOLDER / "register.yaml"
FIXED: Final = "fixed before its evidence"
UNREGISTERED: Final = "not registered"


class Entry(Section):
    """One change, in the order in which changes were made."""

    reason: Annotated[str, Field(min_length=1)]
    reason_zh: Annotated[str, Field(min_length=1)] | None = None
    results_seen: bool  # whether results of these readings had been seen by then
    readings: dict[str, str]  # the fingerprint after it; "" where none was kept


def load_register(path: Path = REGISTER) -> tuple[Entry, ...]:
    """All entries, the oldest first; ParamsError with a line for each problem."""
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: expected the register of rules, found none") from None
    except (YAMLError, ValueError) as error:  # ValueError: no UTF-8, or a date that is none
        raise ParamsError(f"{path}: expected YAML 1.2, found: {error}") from None
    return tuple(validated(content, TypeAdapter(list[Entry]), path=path))


def fingerprint(reading: Reading, params: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of all that decides; `params` is the mapping in params.yaml."""
    content = {
        **reading.en.model_dump(include={"relation", "kind", "measure", "given", "rule", "confirmatory"}),
        "protocol": {name: _section(params, name) for name in protocol_of(reading)},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]


def protocol_of(reading: Reading) -> list[str]:
    """The sections of params.yaml by which its data are made: of "results/experiments/losses/..." that of losses."""
    found = set()
    for path in reading.en.data:
        match path.split("/"):
            case ["results", "experiments", name, *_] | ["timing", name, *_]:
                found.add(f"experiments.{name}")
            case ["results", "evaluation", name, *_]:
                found.add(f"train.{name}")
            case ["results", "ladder", *_]:
                found |= {"ladder.protocol", "ladder.thresholds", "ladder.arms.again", "ladder.arms.linear"}
    return sorted(found)


def _section(params: Mapping[str, Any], keys: str) -> Any:
    content: Any = params
    for key in keys.split("."):
        content = content.get(key) if isinstance(content, Mapping) else None  # some experiments have no parameters
    return content


def entries_of(reading: Reading, register: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in register if reading.key in entry.readings]


def registration(reading: Reading, register: Sequence[Entry], params: Mapping[str, Any]) -> str:
    """What the page says: fixed before its evidence; amended after results, n times; not registered."""
    entries = entries_of(reading, register)
    if not entries or entries[-1].readings[reading.key] not in ("", fingerprint(reading, params)):
        return UNREGISTERED
    num = sum(entry.results_seen for entry in entries)
    if entries[0].results_seen:
        return "added after results were seen" + (f", amended {_times(num - 1)}" if num > 1 else "")
    return f"amended after results, {_times(num)}" if num else FIXED


def _times(num: int) -> str:
    return "once" if num == 1 else "twice" if num == 2 else f"{num} times"


def unregistered(readings: Sequence[Reading], register: Sequence[Entry], params: Mapping[str, Any]) -> dict[str, str]:
    """The fingerprints that are not the last registered ones, by reading."""
    registered = {key: last for entry in register for key, last in entry.readings.items()}
    found = {each.key: fingerprint(each, params) for each in readings}
    return {key: value for key, value in found.items() if registered.get(key) != value}
