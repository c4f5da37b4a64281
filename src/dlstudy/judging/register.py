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
    protocol = {}
    for keys in protocol_of(reading):
        section: Any = params
        for key in keys.split("."):
            section = section.get(key) if isinstance(section, Mapping) else None  # some experiments have no parameters
        protocol[keys] = section
    decides = reading.en.model_dump(include={"relation", "kind", "measure", "given", "rule", "confirmatory"})
    content = json.dumps({**decides, "protocol": protocol}, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


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


def entries_of(reading: Reading, register: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in register if reading.key in entry.readings]


def registration(reading: Reading, register: Sequence[Entry], params: Mapping[str, Any]) -> str:
    """What the page says: fixed before its evidence; amended after results, n times; not registered."""
    entries = entries_of(reading, register)
    if not entries or entries[-1].readings[reading.key] not in ("", fingerprint(reading, params)):
        return UNREGISTERED
    num = sum(entry.results_seen for entry in entries)
    times = {1: "once", 2: "twice"}
    if entries[0].results_seen:
        amended = f", amended {times.get(num - 1, f'{num - 1} times')}" if num > 1 else ""
        return f"added after results were seen{amended}"
    return f"amended after results, {times.get(num, f'{num} times')}" if num else FIXED


def unregistered(readings: Sequence[Reading], register: Sequence[Entry], params: Mapping[str, Any]) -> dict[str, str]:
    """The fingerprints that are not the last registered ones, by reading."""
    registered = {key: last for entry in register for key, last in entry.readings.items()}
    found = {each.key: fingerprint(each, params) for each in readings}
    return {key: value for key, value in found.items() if registered.get(key) != value}
