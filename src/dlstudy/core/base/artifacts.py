"""Small result files, the same bytes for the same values: JSON and CSV."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd  # half a second, which what only checks or writes text is spared

SIGNIFICANT_DIGITS = 10
"""Digits that a written number keeps: more than any reader needs, fewer than the last bits of a sum."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: into a neighbour first, which then takes its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        neighbour.write_bytes(content)
        neighbour.replace(path)
    finally:
        neighbour.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def rounded(value: float) -> float:
    """The value to `SIGNIFICANT_DIGITS` significant digits."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _json_ready(value: object, where: str) -> object:
    if isinstance(value, Mapping):
        return {str(key): _json_ready(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_ready(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where}: expected a finite number, found {value}")
        return rounded(value)
    return value


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON object with its keys in the given order; ValueError where a number is not finite."""
    ready = _json_ready(content, path.name)
    write_text(path, json.dumps(ready, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table without its index; ValueError where a number is not finite or a cell is missing."""
    numbers = table.select_dtypes("number").astype(float)
    bad = numbers.columns[~numbers.map(math.isfinite).all()]
    if len(bad):
        raise ValueError(f"{path.name}: expected finite numbers, found others in column {', '.join(bad)}")
    if missing := [str(name) for name in table if table[name].isna().any()]:
        raise ValueError(f"{path.name}: expected a value in every row, found none in column {', '.join(missing)}")
    write_text(path, table.to_csv(index=False, lineterminator="\n", float_format=f"%.{SIGNIFICANT_DIGITS}g"))


def write_folder(folder: Path, contents: Mapping[str, "pd.DataFrame | Mapping[str, object]"]) -> None:
    """Write tables as NAME.csv and other contents as NAME.json, then delete whatever else is in the folder."""
    written = set()
    for name, content in contents.items():
        if isinstance(content, Mapping):
            path = folder / f"{name}.json"
            write_json(path, content)
        else:
            path = folder / f"{name}.csv"
            write_csv(path, content)
        written.add(path)
    for path in {path for path in folder.glob("*") if path.is_file()} - written:
        path.unlink()
