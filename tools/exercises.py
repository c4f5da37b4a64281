"""The exercises: `python -m tools.exercises` writes their pages, `python -m tools.exercises run` their table first.

exercises/exercises.yaml holds questions and answers in both languages, exercises/results.csv what the commands gave.
They are run in a temporary copy of the checkout, data and models included.
"""

import argparse
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Final, Literal

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

import stages  # noqa: F401 - puts this checkout's src on the module path
from dlstudy.core.base.artifacts import write_csv, write_text
from dlstudy.core.base.errors import StudyError
from tools.checkout import RAW_IMAGES, ROOT, images_from, read_params
from tools.compare.experiments import Revision, git, score_table, scores

Language = Literal["en", "zh"]

FOLDER: Final = ROOT / "exercises"
TABLE: Final = FOLDER / "results.csv"
PAGES: Final[dict[Language, str]] = {"en": "README.md", "zh": "README.zh.md"}
BULK: Final = ("data", "models")


class Text(BaseModel):
    """An exercise in a language; `reveal` takes numbers in braces, such as {rmse.after:.3f}."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    question: str
    reveal: str


class Exercise(BaseModel):
    """A command, and what it is asked: scores of models by name, or else the lines "NAME: NUMBER" that it prints."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    chapter: str  # the page of reports/ that tells more
    statement: str
    command: str
    scores: dict[str, str] = {}
    en: Text
    zh: Text

    def text(self, language: Language) -> Text:
        return self.en if language == "en" else self.zh


def load_exercises(folder: Path = FOLDER) -> list[Exercise]:
    content = YAML(typ="safe", pure=True).load(folder / "exercises.yaml")
    return [Exercise.model_validate(entry) for entry in content]


# --- Running them ---


def run(checkout: Path, exercise: Exercise, environment: Mapping[str, str]) -> pd.DataFrame:
    """Run its command in a checkout that is a Git repository; columns exercise, name, before, after.

    Before is NaN for what a command prints. StudyError where a command fails.
    """
    git(checkout, "reset", "--quiet", "--hard")
    printed = _output(checkout, exercise, environment)
    found = _scores(checkout, exercise) if exercise.scores else _numbers(printed)
    return pd.DataFrame([{"exercise": exercise.id, "name": name, **values} for name, values in found.items()])


def _output(checkout: Path, exercise: Exercise, environment: Mapping[str, str]) -> str:
    words = shlex.split(exercise.command)
    command = [sys.executable, *(words[1:] if words[0] == "python" else ["-m", *words])]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StudyError(f"exercise {exercise.id}: expected `{exercise.command}` to succeed, found\n{done.stderr}")
    return done.stdout


def _scores(checkout: Path, exercise: Exercise) -> dict[str, dict[str, float]]:
    """The mean validation score of each model over the seeds of this run, before and after it."""
    found = {}
    for name, model in exercise.scores.items():
        path = score_table(model)
        after, before = scores(pd.read_csv(checkout / path)), Revision(checkout, "HEAD").table(path)
        same_seeds = None if before is None else scores(before).reindex(after.index)
        found[name] = {"before": math.nan if same_seeds is None else same_seeds.mean(), "after": after.mean()}
    return found


def _numbers(printed: str) -> dict[str, dict[str, float]]:
    """What a module printed; it changes nothing, so that before and after are the same."""
    lines = (line.rpartition(": ") for line in printed.splitlines())
    return {re.sub(r"\W", "_", name): dict.fromkeys(("before", "after"), float(number)) for name, _, number in lines}


def copy_with_data(target: Path) -> None:
    """Copy what Git knows or would add, with data and models, as a repository of its own."""
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    for name in BULK:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name)
    as_repository(target)


def as_repository(checkout: Path) -> None:
    """Make a folder a Git repository with one commit of all that it does not ignore."""
    git(checkout, "init", "--quiet")
    git(checkout, "config", "user.name", "exercises")
    git(checkout, "config", "user.email", "exercises@example.org")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "as it is")


def measure(exercises: Iterable[Exercise]) -> None:
    """Run exercises in a copy of this checkout; the rows of each are put into the table when it has run."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"PATH": path} | images_from(ROOT / RAW_IMAGES, read_params(ROOT))
    with tempfile.TemporaryDirectory(prefix="dlstudy-exercises-") as temporary:
        copy_with_data(Path(temporary))
        for exercise in exercises:
            print(exercise.command, flush=True)
            write_csv(TABLE, replaced(read_table(), run(Path(temporary), exercise, environment)))


def read_table() -> pd.DataFrame:
    return pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=["exercise", "name", "before", "after"])


def replaced(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The table with these rows in place of those that it has of the same exercise, in the order of the exercises."""
    order = [each.id for each in load_exercises()]
    kept = table[~table["exercise"].isin(rows["exercise"]) & table["exercise"].isin(order)]
    both = rows if kept.empty else pd.concat([kept, rows])
    return both.sort_values("exercise", key=lambda ids: ids.map(order.index), kind="stable", ignore_index=True)


# --- Their pages ---


def page(exercises: Sequence[Exercise], table: pd.DataFrame, language: Language) -> str:
    """The page of a language, with the table's numbers."""
    jinja = Environment(
        loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    entries = [{"exercise": each} | text_with_numbers(each, table, language) for each in exercises]
    return jinja.get_template(f"{PAGES[language]}.j2").render(
        entries=entries, report=lambda name: _report(name, language)
    )


class NotRun:
    """Every number of an exercise that has not been run."""

    def __getattr__(self, name: str) -> "NotRun":
        return self

    def __format__(self, spec: str) -> str:
        return "…"


def text_with_numbers(exercise: Exercise, table: pd.DataFrame, language: Language) -> dict[str, str]:
    """Title, question and reveal with their numbers in, or "…" for all where the table has none.

    KeyError for a number that a command does not give.
    """
    rows = table[table["exercise"] == exercise.id]
    numbers: Mapping[str, object] = defaultdict(NotRun)
    if len(rows):
        numbers = {row["name"]: SimpleNamespace(before=row["before"], after=row["after"]) for _, row in rows.iterrows()}
    return {key: text.strip().format_map(numbers) for key, text in exercise.text(language).model_dump().items()}


def _report(name: str, language: Language) -> str:
    """The link to a page of the reports, in the language where it has it."""
    in_chinese = f"reports/zh/{name}.md"
    return f"../{in_chinese if language == 'zh' and (ROOT / in_chinese).exists() else f'reports/{name}.md'}"


def pages() -> dict[Path, str]:
    """Both pages as they should be, by path."""
    exercises, table = load_exercises(), read_table()
    return {FOLDER / name: page(exercises, table, language) for language, name in PAGES.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("pages", "run"), default="pages")
    parser.add_argument("ids", nargs="*", metavar="ID", help="of the exercises to run; all by default")
    arguments = parser.parse_args()
    if arguments.what == "run":
        measure([each for each in load_exercises() if each.id in arguments.ids or not arguments.ids])
    for path, text in pages().items():
        write_text(path, text)
        print(f"{path.relative_to(ROOT)} is written")
