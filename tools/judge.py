"""Judge the committed results again, and draw and write what follows: `make judge ARGS="-S judge.margin=0.25"`.

Needs neither data nor models, trains nothing and deletes nothing: a stage replaces its files one by one. DVC would
fetch and train what this checkout lacks, so it is not asked: dvc.lock stays, and `make check` names what was judged.
"""

import argparse
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pandas as pd
from dvc.exceptions import DvcException
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from dlstudy.core.base.errors import StudyError
from dlstudy.data.image_sets import DATASETS
from dlstudy.study.params import load_study
from tools.checkout import ROOT

SECTION: Final = "judge"
VERDICTS: Final = Path("results/verdicts.csv")


def judging_stages(pipeline: Mapping[str, Any]) -> list[list[str]]:
    """The commands that follow from the parameters below `judge`, by turns: those of one turn wait for the turn before.

    `pipeline` is what dvc.yaml holds.
    """
    stages = {name: stage for name, stage in pipeline["stages"].items() if "do" not in stage}
    first = {
        name for name, stage in stages.items() if any(each.split(".")[0] == SECTION for each in stage.get("params", ()))
    }
    left = set(_followers(stages, first))
    turns: list[list[str]] = []
    while left:
        turn = {name for name in left if not any(_follows(stages[name], stages[other]) for other in left - {name})}
        turns.append([stages[name]["cmd"] for name in stages if name in turn])
        left -= turn
    return turns


def _followers(stages: Mapping[str, Any], found: Collection[str]) -> Collection[str]:
    more = {name for name, stage in stages.items() if any(_follows(stage, stages[other]) for other in found)}
    return found if more <= set(found) else _followers(stages, more | set(found))


def _follows(stage: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a stage reads what the other one writes."""
    outs = list(_paths(entry for kind in ("outs", "metrics", "plots") for entry in other.get(kind, ())))
    return any(f"{out}/".startswith(f"{path}/") for out in outs for path in _paths(stage.get("deps", ())))


def _paths(entries: Iterable[str | Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries:
        yield from [entry] if isinstance(entry, str) else entry


def change_params(overrides: list[str]) -> None:
    """Set parameters below `judge` in params.yaml; StudyError, and params.yaml as it was, if they cannot be right."""
    if wrong := [each for each in overrides if not each.lstrip("+~").startswith(f"{SECTION}.")]:
        raise StudyError(
            f"{wrong[0]}: expected a parameter of judgement, such as judge.margin=0.25, found another; "
            "what changes a training is for `dvc exp run -S`"
        )
    file = ROOT / "params.yaml"
    before = file.read_bytes()
    try:
        apply_overrides(file, overrides)
        load_study(file, datasets=ROOT / DATASETS)
    except DvcException:
        file.write_bytes(before)
        given = " ".join(overrides)
        raise StudyError(f"{given}: expected KEY=VALUE, with a key of params.yaml, found something else") from None
    except StudyError:
        file.write_bytes(before)
        raise


def run(turns: Iterable[Iterable[str]]) -> int:
    """Run the commands of each turn side by side; the first exit status that is not 0, or 0."""
    with ThreadPoolExecutor() as threads:
        for turn in turns:
            if status := next(filter(None, threads.map(_run, turn)), 0):
                return status
    return 0


def _run(command: str) -> int:
    print(f"> {command}", flush=True)
    return subprocess.run([sys.executable, *command.split()[1:]], cwd=ROOT, check=False).returncode


def moved(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """A line for each reading whose verdict is another now. Both tables have the columns id and verdict."""
    old, new = (table.set_index("id")["verdict"] for table in (before, after))
    return [f"  {name}: {old.get(name, 'absent')} -> {new[name]}" for name in new.index if old.get(name) != new[name]]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-S", "--set-param", action="append", default=[], metavar="judge.KEY=VALUE")
    overrides = parser.parse_args(arguments).set_param
    try:
        change_params(overrides)
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    turns = judging_stages(YAML(typ="safe").load(ROOT / "dvc.yaml"))
    before = pd.read_csv(ROOT / VERDICTS)
    if status := run(turns):
        return status
    lines = moved(before, pd.read_csv(ROOT / VERDICTS))
    print("\n".join([f"{len(lines)} verdicts moved{':' if lines else '.'}", *lines]))
    stages = " ".join(command.split()[2].removeprefix("stages.") for turn in turns for command in turn)
    print(f"Back: git checkout . Keep it: dvc repro --single-item {stages}, then commit.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
