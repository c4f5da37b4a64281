"""Did results come out the same? By bytes; where these differ, by numbers.

On another kind of processor, or with another torch, numbers agree or not within the tolerances below. What depends on
wall-clock time is never compared.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pandas as pd
from ruamel.yaml import YAML

TIMING: Final = ("timing/*", "reports/timing", "reports/timing/*", "reports/*activation_cost.md")
"""What depends on wall-clock time: other in every run, so not compared; no other output depends on it."""

BULK: Final = ("data/*", "models/*")  # DVC's: compared by their checksum in dvc.lock


@dataclass(frozen=True)
class Tolerance:
    """How far numbers may part: |new - old| <= absolute + relative * |old|."""

    pattern: str  # of the file's path
    relative: float
    absolute: float
    reason: str


TOLERANCES: Final = (
    Tolerance("results/data/*", 1e-9, 0, "sums in another order"),
    Tolerance("*closed_form*", 1e-6, 1e-9, "a factorisation in another order of operations"),
    Tolerance("metrics/*", 0.01, 0.005, "means over seeds; rounding is amplified by thousands of SGD steps"),
    Tolerance("results/evaluation/*/per_seed.csv", 0.05, 0.01, "one seed, likewise"),
    Tolerance("results/evaluation/*/coefficients.csv", 0.01, 0, "one seed, likewise"),
    Tolerance("results/evaluation/*/per_class.csv", 0.05, 0.02, "one class, likewise"),
    Tolerance("results/evaluation/*/confusion.csv", 0.1, 100, "one kind of mistake, likewise"),
    Tolerance("results/evaluation/*/calibration.csv", 0.1, 0.02, "one seed, likewise"),
    Tolerance("results/evaluation/*/reliability.csv", 0.1, 0.05, "one bin, likewise"),
    Tolerance("results/experiments/losses/*", 0.1, 0.05, "one seed, likewise"),
    Tolerance("results/experiments/*", 1e-3, 1e-6, "float64 sums in another order, errors near the rounding apart"),
    Tolerance("results/verdicts.csv", 0.1, 0.05, "estimates of all these; the verdicts themselves have to agree"),
    Tolerance("results/controls.csv", 0.1, 0.05, "likewise"),
    Tolerance("results/history/*", 0.3, 0.1, "one epoch of one seed, likewise"),
    Tolerance("reports/learning_curves.csv", 0.3, 0.1, "one epoch of one seed, likewise"),
)
# drawn or written from the rest:
FOLLOWING: Final = ("reports/*", "results/evaluation/*/mistakes.csv", "results/evidence.json")


@dataclass(frozen=True)
class Verdict:
    path: str
    outcome: str  # same, agrees, differs, new, gone, or not compared: differs, but is made from files that are compared
    detail: str = ""


def is_timing(path: str) -> bool:
    """Whether an output depends on wall-clock time."""
    return any(fnmatch(path, pattern) for pattern in TIMING)


def is_bulk(path: str) -> bool:
    """Whether an output is DVC's to keep, not Git's."""
    return any(fnmatch(path, pattern) for pattern in BULK)


def files_below(root: Path, outputs: Mapping[str, str]) -> dict[str, bytes]:
    """The content of every file among the outputs that is kept in Git and does not depend on wall-clock time."""
    contents: dict[str, bytes] = {}
    for output in outputs:
        if is_timing(output) or is_bulk(output):
            continue
        path = root / output
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        contents |= {file.relative_to(root).as_posix(): file.read_bytes() for file in found if file.is_file()}
    return contents


def stage_outputs(lock: Path) -> dict[str, dict[str, str]]:
    """The checksums of every stage's outputs in dvc.lock, by path."""
    stages: dict[str, Any] = YAML(typ="safe").load(lock)["stages"]
    return {name: {out["path"]: out["md5"] for out in stage.get("outs", [])} for name, stage in stages.items()}


def locked_outputs(lock: Path) -> dict[str, str]:
    """The checksum of every output in dvc.lock, by path."""
    return {path: checksum for outputs in stage_outputs(lock).values() for path, checksum in outputs.items()}


def compared_stages(lock: Path) -> dict[str, Any]:
    """The stages in dvc.lock with all their checksums, less those that depend on wall-clock time."""
    stages: dict[str, Any] = YAML(typ="safe").load(lock)["stages"]
    return {name: stage for name, stage in stages.items() if not any(is_timing(out["path"]) for out in stage["outs"])}


def table_of(path: str, content: bytes) -> pd.DataFrame | None:
    """A file of results as a table; None for a page or a picture."""
    if path.endswith(".json"):
        return pd.json_normalize(json.loads(content))
    return pd.read_csv(io.BytesIO(content)) if path.endswith(".csv") else None


def compare(path: str, old: bytes, new: bytes) -> Verdict:
    """Whether two versions of a file are the same or, where a tolerance is stated, agree."""
    if old == new:
        return Verdict(path, "same")
    tolerance = next((entry for entry in TOLERANCES if fnmatch(path, entry.pattern)), None)
    before, after = table_of(path, old), table_of(path, new)
    if tolerance is None or before is None or after is None:
        follows = any(fnmatch(path, pattern) for pattern in FOLLOWING)
        return Verdict(
            path, "not compared" if follows else "differs", "follows from the other files" if follows else ""
        )
    if before.shape != after.shape or list(before.columns) != list(after.columns):
        return Verdict(path, "differs", f"expected {before.shape} cells, found {after.shape}")
    words = before.select_dtypes(exclude="number").columns
    if not before[words].equals(after[words]):
        return Verdict(path, "differs", "in words, not in numbers alone")
    return compare_numbers(path, before.drop(columns=words), after.drop(columns=words), tolerance)


def compare_numbers(path: str, before: pd.DataFrame, after: pd.DataFrame, tolerance: Tolerance) -> Verdict:
    """Whether all numbers agree within the tolerance."""
    apart = (after - before).abs().to_numpy()
    allowed = tolerance.absolute + tolerance.relative * before.abs().to_numpy()
    detail = f"largest difference {apart.max():.2g}; allowed {tolerance.absolute:g} + {tolerance.relative:g} x value"
    return Verdict(path, "agrees" if (apart <= allowed).all() else "differs", f"{detail} ({tolerance.reason})")


def verdicts(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[Verdict]:
    """One for each file, before or after."""
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            yield Verdict(path, "gone")
        elif path not in before:
            yield Verdict(path, "new")
        else:
            yield compare(path, before[path], after[path])


def bulk_verdicts(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Verdict]:
    """One for each output that DVC keeps: the same checksum or not."""
    for path in sorted(before.keys() | after.keys()):
        if is_bulk(path):
            same = before.get(path) == after.get(path)
            yield Verdict(path, "same" if same else "not compared", "" if same else "judged by the results")


def summary(found: list[Verdict]) -> tuple[str, int]:
    """What all came to, and the exit status."""
    outcomes = [verdict.outcome for verdict in found]
    if all(outcome == "same" for outcome in outcomes):
        return f"All {len(found)} files and folders came out byte-identical.", 0
    num = {outcome: outcomes.count(outcome) for outcome in ("same", "agrees", "not compared")}
    bad = len(found) - sum(num.values())
    text = (
        f"Of {len(found)} files and folders {num['same']} came out byte-identical; {num['agrees']} agree within "
        f"the stated tolerances; {num['not compared']} follow from these and were not compared; {bad} do not agree."
    )
    return text, int(bad > 0)
