"""The exercises: their pages are those of their table, and their commands do what the answers say."""

import re
import shutil

import pandas as pd
import pytest

from tests.pipeline import MODELS, Checkout
from tools.checkout import ROOT, read_params
from tools.compare.experiments import score_table, scores
from tools.exercises import as_repository, load_exercises, pages, read_table, replaced, run, text_with_numbers
from tools.smoke import miniature

EXERCISES = load_exercises()
TABLE = read_table()
FRESH = "python -m tools.exercises run brings the table up to date"


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_pages_are_up_to_date(path):
    assert path.read_text(encoding="utf-8") == pages()[path]


def test_there_are_ten_and_each_has_its_rows():
    assert len(EXERCISES) == 10
    assert list(TABLE["exercise"].unique()) == [each.id for each in EXERCISES]


def numbers_in(text):
    """The numbers that a text takes from the table, and those that stand in it in digits."""
    return sorted(re.findall(r"\{([^}:]+)", text)), sorted(
        re.findall(r"\d[\d,./]*(?<=\d)", re.sub(r"\{.*?\}", "", text))
    )


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.id)
def test_both_languages_give_the_same_numbers(exercise):
    assert numbers_in(exercise.en.question) == numbers_in(exercise.zh.question)
    assert numbers_in(exercise.en.reveal) == numbers_in(exercise.zh.reveal)
    assert numbers_in(exercise.en.reveal)[0]


@pytest.mark.parametrize("exercise", [each for each in EXERCISES if each.scores], ids=lambda each: each.id)
def test_scores_before_are_the_committed_ones(exercise):
    seeds = re.search(r"seeds=\[([\d,]+)\]", exercise.command)
    rows = TABLE[TABLE["exercise"] == exercise.id].set_index("name")
    for name, model in exercise.scores.items():
        committed = scores(pd.read_csv(ROOT / score_table(model)))
        chosen = committed.loc[[int(seed) for seed in seeds[1].split(",")]] if seeds else committed
        assert rows.loc[name, "before"] == pytest.approx(chosen.mean(), rel=1e-6), FRESH


def test_the_answers_say_what_came_out():
    """What the texts claim in words, by the numbers that they show."""
    after, before = (TABLE.set_index(["exercise", "name"])[key] for key in ("after", "before"))
    assert after["noise", "rmse"] == pytest.approx(1, rel=0.05)
    assert before["noise", "rmse"] == pytest.approx(0.01, rel=0.05)
    assert after["full_batch", "rmse"] > 100 * before["full_batch", "rmse"]
    assert after["learning_rate", "rmse"] < 1.02 * before["learning_rate", "rmse"]
    assert after["squared_error", "accuracy"] < before["squared_error", "accuracy"] - 0.01
    assert after["no_activation", "accuracy"] == pytest.approx(before["no_activation", "softmax"], abs=0.015)
    assert after["no_activation", "accuracy"] < before["no_activation", "accuracy"] - 0.01
    assert after["zeros", "accuracy"] == pytest.approx(0.1, abs=0.01)
    assert after["deep_sigmoid", "accuracy"] < before["deep_sigmoid", "accuracy"]
    assert after["rotation", "4_steps"] == 0 < after["rotation", "8_steps"] < after["rotation", "24_steps"]
    assert after["parameters", "resnet18"] < after["parameters", "alexnet"] < after["parameters", "vgg11"]


def test_rows_take_the_place_of_their_exercise():
    table = pd.DataFrame({"exercise": ["noise", "softmax"], "name": "a", "before": 0.0, "after": [1.0, 2.0]})
    rows = pd.DataFrame({"exercise": ["full_batch", "noise"], "name": "b", "before": 0.0, "after": [3.0, 4.0]})
    found = replaced(table, rows)
    assert list(found["exercise"]) == ["noise", "full_batch", "softmax"]  # in the order of the exercises
    assert list(found["after"]) == [4.0, 3.0, 2.0]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A Git repository with the miniature study of the exercises' models."""
    made = Checkout(tmp_path_factory.mktemp("exercises"))
    models = {*MODELS, *(model for each in EXERCISES for model in each.scores.values())}
    small = miniature(read_params(ROOT), train_size=400, validation_size=200)["train"]
    made.change(lambda params: params.update(train={name: small[name] for name in small if name in models}))
    shutil.copytree(ROOT / "exercises", made.root / "exercises")
    (made.root / ".dvc/config.local").unlink()
    (made.root / ".gitignore").write_text("/data/\n/models/\n__pycache__/\n/.dvc/cache\n/.dvc/tmp\n")
    as_repository(made.root)
    return made


FIRST, *OTHERS = [each for each in EXERCISES if each.scores]
LAST = [each for each in EXERCISES if not each.scores]  # commands that print; rotation wants the images


@pytest.mark.parametrize(
    "exercise",
    [FIRST, *(pytest.param(each, marks=pytest.mark.slow) for each in OTHERS + LAST)],
    ids=lambda each: each.id,
)
def test_every_command_runs(exercise, checkout):
    rows = run(checkout.root, exercise, checkout.environment())
    assert rows["after"].notna().all()
    for language in ("en", "zh"):
        text_with_numbers(exercise, rows, language)  # has all the numbers that the texts ask for
