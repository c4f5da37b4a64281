"""The exercises: their pages are those of their table, and their commands do what the answers say."""

import re
import shutil

import pandas as pd
import pytest

from tests.pipeline import MODELS, Checkout, only
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
    missing = [each.id for each in EXERCISES if each.id not in set(TABLE["exercise"])]
    if missing:
        pytest.skip(f"not computed yet: {', '.join(missing)}; {FRESH}")
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
    if rows.empty:
        pytest.skip(f"not computed yet; {FRESH}")
    for name, model in exercise.scores.items():
        committed = scores(pd.read_csv(ROOT / score_table(model)))
        trained = seeds and f"evaluate@{model}" in exercise.command
        chosen = committed.loc[[int(seed) for seed in seeds[1].split(",")]] if trained else committed
        assert rows.loc[name, "before"] == pytest.approx(chosen.mean(), rel=1e-6), FRESH


CLAIMS = {
    "noise": lambda now, before: (now.rmse / 1, before.rmse / 0.01) == pytest.approx((1, 1), rel=0.05),
    "full_batch": lambda now, before: now.rmse > 100 * before.rmse,
    "learning_rate": lambda now, before: now.rmse < 1.02 * before.rmse,
    "softmax": lambda now, _: now["beside_0_1"] > 0.999 > now["beside_9"] > 0.5 > now["beside_1000"] == 0,
    "squared_error": lambda now, before: now.accuracy < before.accuracy - 0.01,
    "parameters": lambda now, _: now.resnet18 < now.alexnet < now.vgg11,
    "rotation": lambda now, _: now["4_steps"] == 0 < now["8_steps"] < now["24_steps"],
    "no_activation": lambda now, before: abs(now.accuracy - before.softmax) < 0.015 < before.accuracy - now.accuracy,
    "zeros": lambda now, _: now.accuracy == pytest.approx(0.1, abs=0.01),
    "deep_sigmoid": lambda now, before: now.accuracy < before.accuracy / 2,
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.id)
def test_the_numbers_are_what_the_answer_says_in_words(exercise):
    rows = TABLE[TABLE["exercise"] == exercise.id].set_index("name")
    if rows.empty:
        pytest.skip(f"not computed yet; {FRESH}")
    assert CLAIMS[exercise.id](rows["after"], rows["before"])


def test_rows_take_the_place_of_their_exercise():
    table = pd.DataFrame({"exercise": ["noise", "softmax"], "name": "a", "before": 0.0, "after": [1.0, 2.0]})
    rows = pd.DataFrame({"exercise": ["full_batch", "noise"], "name": "b", "before": 0.0, "after": [3.0, 4.0]})
    found = replaced(table, rows)
    assert list(found["exercise"]) == ["noise", "full_batch", "softmax"]  # in the order of the exercises
    assert list(found["after"]) == [4.0, 3.0, 2.0]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A Git repository with the miniature study of the exercises' models."""
    made = Checkout(tmp_path_factory.mktemp("exercises"), is_warm=True)
    models = {*MODELS, *(model for each in EXERCISES for model in each.scores.values())}
    small = only(miniature(read_params(ROOT), train_size=400, validation_size=200), models)
    made.change(lambda params: params.update({key: small[key] for key in ("train", "experiments")}))
    shutil.copytree(ROOT / "exercises", made.root / "exercises")
    (made.root / ".dvc/config.local").unlink()
    (made.root / ".gitignore").write_text("/data/\n/models/\n__pycache__/\n/.dvc/cache\n/.dvc/tmp\n")
    as_repository(made.root)
    return made


FIRST, *OTHERS = sorted(EXERCISES, key=lambda each: not each.scores)  # last those that print; rotation wants the images


@pytest.mark.parametrize(
    "exercise",
    [FIRST, *(pytest.param(each, marks=pytest.mark.slow) for each in OTHERS)],
    ids=lambda each: each.id,
)
def test_every_command_runs(exercise, checkout):
    rows = run(checkout.root, exercise, checkout.environment())
    assert rows["after"].notna().all()
    for language in ("en", "zh"):
        text_with_numbers(exercise, rows, language)  # has all the numbers that the texts ask for
