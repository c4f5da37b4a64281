"""The page that compares experiments, of a repository that a test makes: an experiment is a commit with a ref."""

import json

import pandas as pd
import pytest
from scipy import stats

from tools.compare.experiments import changed, experiments, flat, git
from tools.compare.page import curves, differences, lines, page

PARAMS = "train:\n  mlp:\n    lr: {lr}\n    hidden: [{width}]\njudge:\n  margin: 0.5\n"
ACCURACIES = (0.80, 0.82, 0.84)


def commit(root, *, lr=0.2, width=8, gain=(0.0, 0.0, 0.0), verdict="supported", loss=1.0, seeds=(0, 1, 2), judged=True):
    (root / "params.yaml").write_text(PARAMS.format(lr=lr, width=width))
    accuracies = [value + more for value, more in zip(ACCURACIES, gain, strict=True)][: len(seeds)]
    scored = pd.DataFrame({"seed": seeds, "accuracy": accuracies, "split": "validation"})
    tables = [scored, scored.assign(split="test", accuracy=0.5)]
    files = {
        "results/evaluation/mlp/per_seed.csv": pd.concat(tables).to_csv(),
        "results/history/mlp.csv": pd.DataFrame({"epoch": [0, 1], "seed": 0, "validation_loss": [2, loss]}).to_csv(),
        "results/evidence.json": json.dumps(accuracies if judged else "of the baseline"),
        "results/verdicts.csv": f"id,verdict\nLIN-1,supported\nTV-2/best,{verdict}\n",
        "results/answers.csv": f"id,answer\nTV-2,{'holds' if verdict == 'supported' else 'open'}\n",
    }
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "results", "--allow-empty")
    return git(root, "rev-parse", "HEAD").strip()


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "a study"
    root.mkdir()
    git(root, "init", "-q")
    for key, value in (("user.name", "A"), ("user.email", "a@example.org")):
        git(root, "config", key, value)
    return root


@pytest.fixture
def baseline(repository):
    return commit(repository)


def experiment(root, baseline, name, **changes):
    revision = commit(root, **changes)
    git(root, "update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", revision)
    git(root, "reset", "-q", "--soft", baseline)


def test_without_experiments_the_page_says_how_to_make_one(repository, baseline):
    assert experiments(repository) == []
    assert "dvc exp run" in page([], [])


def test_what_was_changed_and_what_came_out(repository, baseline):
    experiment(repository, baseline, "faster", lr=0.3, gain=(0.01, 0.02, 0.03), verdict="refuted", loss=0.5)
    (found,) = experiments(repository)
    assert found.name == "faster"
    assert found.changed_params == {"train.mlp.lr": (0.2, 0.3)}
    assert found.moved_verdicts == {"TV-2/best": ("supported", "refuted")}
    assert found.moved_answers == {"TV-2": ("holds", "open")}
    (score,) = differences(found)
    interval = stats.ttest_1samp([1.0, 2.0, 3.0], 0).confidence_interval(0.95)
    assert (score.estimate, score.low, score.high) == pytest.approx((2.0, interval.low, interval.high))
    text = page([found], list(curves([found])))
    for part in ("`train.mlp.lr`: 0.2 → 0.3", "TV-2/best: supported → refuted", "+2 (-0.484 to +4.48, 3 seeds)"):
        assert part in text
    assert "experiments/mlp.png" in text


def test_an_experiment_that_only_judges_draws_no_curves(repository, baseline):
    experiment(repository, baseline, "judged", verdict="inconclusive")
    (found,) = experiments(repository)
    assert differences(found) == []
    assert curves([found]) == {}
    assert "| the same | TV-2/best: supported → inconclusive |" in page([found], [])


def test_seeds_are_paired_by_number(repository, baseline):
    experiment(repository, baseline, "other-seeds", gain=(0.01, 0.01, 0.0), seeds=(7, 2))
    (found,) = experiments(repository)
    (score,) = differences(found)
    assert score.num_pairs == 1
    assert score.estimate == pytest.approx(100 * (0.83 - 0.84))  # seed 2: the second here, the third there
    assert score.low is None


def test_of_fifty_experiments_each_has_a_row(repository, baseline):
    for number in range(50):
        experiment(repository, baseline, f"width-{number}", width=9 + number, loss=1 + number)
    found = experiments(repository)
    pictures = curves(found)
    assert sum(line.startswith("| **width-") for line in page(found, list(pictures)).splitlines()) == 50
    drawn = pictures["mlp"].legends[0].get_texts()  # those that end with the lowest loss, and no more
    assert [text.get_text() for text in drawn] == ["width-0", "width-1", "width-2", "width-3", "baseline"]
    assert len(lines(found)) == 51
    assert max(map(len, lines(found))) <= 160


def test_in_the_terminal_an_experiment_has_a_line_whatever_it_changed(repository, baseline):
    experiment(repository, baseline, "n" * 50, lr=0.3, width=1e20, gain=(0.01, 0.02, 0.03), verdict="refuted")
    head, line = lines(experiments(repository))
    assert max(len(head), len(line)) <= 160
    for part in ("train.mlp.lr=0.3", "mlp 84 +2 (-0.484 to +4.48, 3 seeds)", "TV-2/best"):
        assert part in line
    assert lines([]) == []


def test_an_experiment_that_did_not_come_to_the_judge_says_so(repository):
    start = commit(repository, judged=False)
    experiment(repository, start, "scored", gain=(0.01, 0.02, 0.03), judged=False)
    (found,) = experiments(repository)
    assert not found.judged
    assert lines([found])[1].endswith("not judged")
    assert "`make judge`" in page([found], [])


def test_a_row_of_a_table_stays_one_line(repository, baseline):
    experiment(repository, baseline, "both", lr=0.3, width=9, gain=(0.01, 0.01, 0.01))
    rows = [line for line in page(experiments(repository), []).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {5}


def test_values_that_differ_are_told_with_both_sides():
    before = dict(flat({"a": {"b": 1, "c": [1, 2]}, "d": 3}))
    after = dict(flat({"a": {"b": 2, "c": [1, 2]}, "e": 4}))
    assert changed(before, after) == {"a.b": (1, 2), "d": (3, None), "e": (None, 4)}
