"""Everything again, from the raw data on, stage by stage: `make reproduce`. Says of each stage what came out the same.

It can be stopped at any time: the same command goes on with the stage that it was at. What was there before, and which
stages are done, stays in tmp/reproduce until everything has come out the same. `--restart` runs all stages once more
and compares them with the same; delete the folder to compare with what is there now. `--record` enters each stage into
bench/reproduced.csv, on which the time left is estimated. Exit status 0: everything is the same, or agrees within the
tolerances of comparison.py; 1: something differs.
"""

import argparse
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from dlstudy.core.base.errors import StudyError
from tools.checkout import RAW_IMAGES, ROOT, dvc, images_from, read_params
from tools.comparison import (
    Verdict,
    bulk_verdicts,
    files_below,
    is_timing,
    locked_outputs,
    stage_outputs,
    summary,
    verdicts,
)
from tools.staleness import CHECK, stale_stages

STATE: Final = Path("tmp/reproduce")
STATE_OF_SOME: Final = Path("tmp/reproduce_some")  # of stages by name: a run of all is not disturbed
RECORD: Final = Path("bench/reproduced.csv")
COLUMNS: Final = ("stage", "seconds", "processor", "num_outputs", "num_same", "outputs")
"""Of the record: what a stage took, on what, how much came out the same; a hash of the outputs in dvc.lock."""


class Run:
    """A reproduction of the checkout at `root`, as far as it has come."""

    def __init__(self, root: Path, state: Path = STATE) -> None:
        self.root = root
        self.state = root / state
        self.before = self.state / "before"
        self.done = self.state / "done.json"
        self.record = read_record(root / RECORD)
        self.expected = {str(stage): float(seconds) for stage, seconds in self.record["seconds"].items()}

    def begin(self) -> None:
        """Keep what is there now: the lock, every file that is compared, and the images that were downloaded."""
        self.end()
        self.before.mkdir(parents=True)
        for path, content in files_below(self.root, locked_outputs(self.root / "dvc.lock")).items():
            (self.before / path).parent.mkdir(parents=True, exist_ok=True)
            (self.before / path).write_bytes(content)
        shutil.copy(self.root / "dvc.lock", self.before)
        if (self.root / RAW_IMAGES).is_dir():  # DVC empties the folder of an output before its stage runs
            shutil.copytree(self.root / RAW_IMAGES, self.state / "images")
        self.restart()  # the last of all: a beginning that was cut off is begun anew

    def restart(self) -> None:
        """All stages are to run, whatever was done."""
        self._keep({}, running=None)

    def end(self) -> None:
        """Forget all of it."""
        self.done.unlink(missing_ok=True)  # the first of all: without it the rest is no run
        shutil.rmtree(self.state, ignore_errors=True)

    def check(self) -> None:
        """StudyError where results have changed since, but for those of the stage that was running."""
        kept = self._kept()
        now = stage_outputs(self.root / "dvc.lock")
        changed = {name for name in kept["lock"].keys() | now.keys() if kept["lock"].get(name) != now.get(name)}
        if others := sorted(changed - {kept["running"]}):
            raise StudyError(
                f"dvc.lock: expected it as this reproduction left it, found other results of {', '.join(others)}; "
                f"delete {self.state.relative_to(self.root)} to begin anew and compare with what is there now"
            )

    def _kept(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.done.read_text())
        return content

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds of each stage that is done, in the order in which they ran."""
        seconds: dict[str, float] = self._kept()["seconds"]
        return seconds

    def _keep(self, seconds: Mapping[str, float], running: str | None) -> None:
        content = {"running": running, "seconds": seconds, "lock": stage_outputs(self.root / "dvc.lock")}
        unfinished = self.done.with_suffix(".new")
        unfinished.write_text(json.dumps(content, indent=1) + "\n")
        unfinished.replace(self.done)

    def stages(self) -> list[str]:
        """All stages, in the order of the pipeline."""
        return self._planned("--force")

    def stages_left(self) -> list[str]:
        """Stages not done yet, and those done before their code or data changed."""
        stale = set(self._planned()) if self.seconds else set()
        return [name for name in self.stages() if name in stale or name not in self.seconds]

    def _planned(self, *options: str) -> list[str]:
        """What a dry run would run; without force it ends at the first stage that lacks a file, and so does this."""
        command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--dry", "--allow-missing", *options]
        run = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        if run.returncode and options:
            raise StudyError(f"dvc.yaml: expected a pipeline that DVC can plan, found:\n{run.stderr.strip()}")
        return [name for name in stale_stages(run.stdout) if name != CHECK]

    def run(self, stage: str) -> int:
        """Run a stage by force; its exit status."""
        if self._kept()["running"] != stage and stage.startswith("vision@"):  # from its beginning, not a checkpoint
            shutil.rmtree(self.root / "tmp/checkpoints" / stage.removeprefix("vision@"), ignore_errors=True)
        self._keep(self.seconds, running=stage)
        start = time.monotonic()
        given = images_from(self.state / "images", read_params(self.root))
        status = dvc(self.root, "--wait-for-lock", "repro", "--force", "--single-item", stage, environment=given)
        if status == 0:
            self._keep(self.seconds | {stage: round(time.monotonic() - start, 1)}, running=None)
        return status

    def compared(self, stages: Iterable[str]) -> list[Verdict]:
        """What became of every output of some stages that does not depend on wall-clock time."""
        locks = [stage_outputs(folder / "dvc.lock") for folder in (self.before, self.root)]
        found: list[Verdict] = []
        for stage in stages:
            old, new = (lock.get(stage, {}) for lock in locks)
            found += bulk_verdicts(old, new)
            found += verdicts(files_below(self.before, old), files_below(self.root, new))
        return found

    def enter(self, stage: str) -> None:
        """Record what a stage took, and how many of the outputs that were there before came out the same."""
        found = self.compared([stage])
        num_same = sum(verdict.outcome == "same" for verdict in found)
        before = stage_outputs(self.before / "dvc.lock")
        row = (stage, self.seconds[stage], processor(), len(found), num_same, hash_of(before.get(stage, {})))
        known = self.record.index.isin(list(stage_outputs(self.root / "dvc.lock"))) & (self.record.index != stage)
        entered = pd.DataFrame([row], columns=list(COLUMNS)).set_index("stage")
        self.record = pd.concat([self.record[known], entered]).sort_index()
        self.record.to_csv(self.root / RECORD, lineterminator="\n")

    def progress(self, left: list[str]) -> str:
        """How far it has come, and about how long the rest takes."""
        number = len(self.seconds.keys() - set(left))
        weights = {name: self.expected.get(name, 1.0) for name in [*self.seconds, *left]}
        share = 1 - sum(weights[name] for name in left) / sum(weights.values())
        bar = "#" * int(20 * share)
        return f"[{bar:.<20}] {number} of {len(weights)} stages done; {time_left(self.expected, self.seconds, left)}"


def read_record(file: Path) -> pd.DataFrame:
    """The rows of the record, by stage; none where there is no file."""
    if not file.is_file():
        return pd.DataFrame(columns=list(COLUMNS)).set_index("stage")
    try:
        return pd.read_csv(file, dtype={"outputs": str})[list(COLUMNS)].set_index("stage")
    except (ValueError, KeyError) as error:
        raise StudyError(f"{file}: expected a table with {', '.join(COLUMNS)}, found another: {error}") from None


def hash_of(outputs: Mapping[str, str]) -> str:
    """Eight hexadecimal digits of the outputs of a stage."""
    return hashlib.sha256(json.dumps(dict(outputs), sort_keys=True).encode()).hexdigest()[:8]


def processor() -> str:
    """The processor's name as the system has it."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.+)", info.read_text(), re.MULTILINE) if info.is_file() else []
    return names[0] if names else platform.processor() or platform.machine()


def time_left(expected: Mapping[str, float], took: Mapping[str, float], left: Sequence[str]) -> str:
    """How long the stages left take, on a machine that took so long for those done; in words."""
    known = [name for name in took if expected.get(name)]
    pace = sum(took[name] for name in known) / sum(expected[name] for name in known) if known else 1.0
    timed = [name for name in left if name in expected]
    seconds = pace * sum(expected[name] for name in timed)
    if num := len(left) - len(timed):
        return f"about {in_words(seconds)} left, and {num} stages that were never timed"
    return f"about {in_words(seconds)} left"


def in_words(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"


def told(found: list[Verdict]) -> str:
    """What came out the same, and a line for every file that did not."""
    others = [verdict for verdict in found if verdict.outcome != "same"]
    lines = [f"  {verdict.outcome:14}{verdict.path}  {verdict.detail}".rstrip() for verdict in others]
    return "\n".join([f"{len(found) - len(others)} of {len(found)} outputs are the same bytes", *lines])


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", help="these stages only, on what earlier ones left (all)")
    parser.add_argument("--restart", action="store_true", help="run all stages, whatever an earlier run has done")
    parser.add_argument("--record", action="store_true", help=f"enter what the stages took into {RECORD}")
    options = parser.parse_args(arguments)
    try:
        return reproduce(Run(root, STATE_OF_SOME if options.stages else STATE), options)
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def reproduce(run: Run, options: argparse.Namespace) -> int:
    """The exit status; StudyError for stages that there are not, and where results have changed meanwhile."""
    if unknown := set(options.stages) - set(run.stages()):
        raise StudyError(f"{', '.join(sorted(unknown))}: expected stages of dvc.yaml, found none of this name")
    if options.stages or not run.done.exists():
        run.begin()
    run.check()
    if options.restart:
        run.restart()
    left = [name for name in run.stages_left() if name in options.stages or not options.stages]
    while left:
        print(f"\n{run.progress(left)}\nNext: {left[0]}", flush=True)
        if status := run.run(left[0]):
            print(f"{left[0]} ended with status {status}: mend that, then run the same command", file=sys.stderr)
            return status
        print(f"{left[0]}: {told(run.compared(left[:1]))}", flush=True)
        if options.record:
            run.enter(left[0])
        left = left[1:]
    return _end(run, record=options.record)


def _end(run: Run, *, record: bool) -> int:
    for stage in run.seconds if record else ():
        run.enter(stage)
    found = run.compared(run.seconds)
    text, status = summary(found)
    print(f"\n{told(found)}\n{text} The stages took {in_words(sum(run.seconds.values()))}.")
    timed = [path for stage in run.seconds for path in stage_outputs(run.root / "dvc.lock")[stage] if is_timing(path)]
    if timed:
        print(f"What depends on wall-clock time was timed again and is not among them: {', '.join(timed)}.")
    if status:
        print(f"What was there before stays in {run.before.relative_to(run.root)}.")
    else:
        run.end()
    return status


if __name__ == "__main__":
    sys.exit(main())
