"""The whole pipeline, run once; then what runs again after which change."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML

from tests import warm
from tests.import_closure import NOBODYS, is_empty
from tests.pipeline import MODELS, Checkout, copied, last_command
from tools import judge
from tools.checkout import ROOT, read_params
from tools.comparison import locked_outputs
from tools.staleness import CHECK, stale_stages

ONE_MORE = {"method": "sgd", "data": "housing", "hidden": [8], "activation": "gelu", "init": "he", "lr": 0.05}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout in which the pipeline has run once. The tests here follow one another in it."""
    made = Checkout(tmp_path_factory.mktemp("pipeline"), is_warm=True)
    made.ran_first = made.dvc("repro")
    yield made
    assert not made.network_log.exists(), made.network_log.read_text()


def test_every_stage_runs_once_and_leaves_every_output(checkout):
    networks = read_params(checkout.root)["vision"]
    for model in MODELS:
        kinds = ("vision",) if model in networks else ("train", "evaluate")
        assert {f"{kind}@{model}" for kind in kinds} <= checkout.ran_first
    missing = [path for path in locked_outputs(checkout.root / "dvc.lock") if not (checkout.root / path).exists()]
    assert missing == []


def test_every_file_that_a_stage_reads_is_covered_by_its_dependencies(checkout):
    locks = [YAML(typ="safe").load(checkout.root / name)["stages"] for name in ("stages/dvc.lock", "dvc.lock")]
    reads = checkout.reads
    uncovered = []
    for name, stage in [item for lock in locks for item in lock.items()]:
        command = last_command(stage["cmd"])
        assert {f for f in reads[command] if f.startswith("src/")}, name  # the noting works
        known = [
            "params.yaml",
            ".dvc/tmp",
            NOBODYS,
            *(entry["path"] for entry in [*stage.get("deps", []), *stage["outs"]]),
        ]
        for path in reads[command]:
            source = re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc(\.\d+)?$", r"\1.py", path)
            if not any(f"{source}/".startswith(f"{each}/") for each in known) and not is_empty_package(
                checkout, source
            ):
                uncovered.append(f"{name} reads {source}")
    assert uncovered == []


def is_empty_package(checkout, source):
    """Of a package on the way to a module, Python reads an __init__.py that holds nothing."""
    return source.endswith("__init__.py") and is_empty(checkout.root / source)


def test_no_stage_reaches_beyond_this_machine_and_each_could_not(checkout):
    """Not even the download does: its images are in a folder. Whatever torchvision imports, nothing connects."""
    assert not checkout.network_log.exists(), checkout.network_log.read_text()
    # and every process would have been refused, one that it starts in turn as well
    attempt = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    for code in (attempt, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {attempt!r}], check=True)"):
        run = subprocess.run(
            [warm.python(), "-c", code], env=checkout.environment(), capture_output=True, text=True, check=False
        )
        assert run.returncode != 0
        assert "no stage may use the network: '192.0.2.1'" in run.stderr
    assert len(checkout.network_log.read_text().splitlines()) == 2
    checkout.network_log.unlink()


def test_pretrained_weights_would_be_a_connection(checkout):
    """What the guard is for: one word more in a stage, and torchvision downloads."""
    code = "from torchvision.models import resnet18; resnet18(weights='DEFAULT')"
    environment = checkout.environment(TORCH_HOME=str(checkout.root / "tmp"))
    run = subprocess.run([warm.python(), "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "no stage may use the network" in run.stderr
    assert "resnet18" in checkout.network_log.read_text()
    checkout.network_log.unlink()


def test_models_learn_what_can_be_learnt(checkout):
    # 200 test images of ten classes that a linear model can tell apart; one in ten would be chance
    for model in ("softmax_regression", "mlp_relu"):
        assert json.loads((checkout.root / f"metrics/{model}.json").read_text())["test_accuracy"] > 0.9


def test_reports_tell_of_every_model_and_show_only_figures_that_exist(checkout):
    reports = checkout.root / "reports"
    text = "".join(page.read_text(encoding="utf-8") for page in reports.glob("*.md"))
    assert all(model in text for model in MODELS)
    shown = set(re.findall(r"\]\(((?:figures|galleries|timing|verdicts)/[^)]+)\)", text))
    drawn = [path for folder in ("figures", "galleries", "timing", "verdicts") for path in (reports / folder).iterdir()]
    assert shown == {path.relative_to(reports).as_posix() for path in drawn}


def test_every_statement_about_time_has_a_verdict_apart_from_all_others(checkout):
    timed, others = (
        json.loads((checkout.root / file).read_text()) for file in ("timing/verdicts.json", "results/verdicts.json")
    )
    assert {key.split("/")[0] for key in timed} == {"ACT-13", "ACT-14"}
    assert "invalid" not in timed.values()  # rounds enough
    assert not {key for key in others if key.startswith(("ACT-13", "ACT-14"))}


def test_nothing_runs_when_nothing_has_changed(checkout):
    assert checkout.dvc("repro") == set()


ELSEWHERE = {
    "DLSTUDY_PROCESSES": "2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",  # the kernels of one without AVX-512
    warm.VARIABLE: "",  # the plain Python, as users have it
}


def test_training_gives_the_same_bytes_elsewhere_with_two_processes_and_on_an_older_processor(checkout, tmp_path):
    copy = copied(checkout, tmp_path)
    written = ("models/mlp_relu.pt", "results/history/mlp_relu.csv")
    for path in written:
        (copy.root / path).unlink()
    train = [sys.executable, "-m", "stages.train_sgd", "mlp_relu"]
    subprocess.run(train, cwd=copy.root, env=copy.environment(**ELSEWHERE), check=True)
    for path in written:
        assert (copy.root / path).read_bytes() == (checkout.root / path).read_bytes()


@pytest.mark.slow
def test_all_bytes_are_the_same_elsewhere_with_two_processes_and_on_an_older_processor(checkout, tmp_path):
    again = Checkout(tmp_path)
    again.dvc("repro", "figures", "galleries", "verdict_figures", "report", **ELSEWHERE)  # not what times
    assert again.results == checkout.results


@pytest.fixture
def clone(checkout, tmp_path):
    """What a clone of it has: the results, neither data nor models."""
    copy = copied(checkout, tmp_path)
    for name in ("data", "models", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(copy.root / name)
    return copy


def committed(checkout):
    """Every file that Git would have, with its content."""
    folders = ("results", "metrics", "reports", "timing")
    files = [path for folder in folders for path in (checkout.root / folder).rglob("*") if path.is_file()]
    files += [checkout.root / name for name in ("dvc.lock", "stages/dvc.lock")]
    return {str(path.relative_to(checkout.root)): path.read_bytes() for path in files}


def test_a_clone_is_judged_again_without_data_and_models_and_nothing_is_deleted(clone, monkeypatch):
    before = committed(clone)
    monkeypatch.setattr(judge, "ROOT", clone.root)
    warm.use(monkeypatch)
    assert judge.main(["-S", "judge.margin=0.3"]) == 0
    after = committed(clone)
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert {"results/verdicts.csv", "reports/method.md"} <= changed
    assert {"dvc.lock", "stages/dvc.lock"}.isdisjoint(changed)
    assert not (clone.root / "models").exists()
    assert not (clone.root / "data/prepared").exists()


@pytest.mark.slow
def test_a_clone_that_is_judged_by_the_same_margin_has_the_same_bytes(clone, monkeypatch):
    before = committed(clone)
    monkeypatch.setattr(judge, "ROOT", clone.root)
    warm.use(monkeypatch)
    assert judge.main([]) == 0
    assert committed(clone) == before


def test_a_stage_that_cannot_run_in_a_clone_leaves_what_was_there(clone):
    before = committed(clone)
    for stage in ("galleries", "evaluate@mlp_relu"):
        run = clone.run("repro", "--force", "--single-item", "--allow-missing", stage)
        assert run.returncode != 0
        assert committed(clone) == before


class Change(NamedTuple):
    file: str
    make: Callable[[Checkout], None]
    concerned: set[str]  # the stages that run again


def change_params(change, *concerned):
    return Change("params.yaml", lambda checkout: checkout.change(change), set(concerned))


def change_code(file, old, new, *concerned):
    return Change(file, lambda checkout: checkout.replace(file, old, new), set(concerned))


PAGES = ("judge", "figures", "verdict_figures", "report", "cost_report")
CHANGES = {
    "the learning rate of a model": change_params(
        lambda params: params["train"]["mlp_relu"].update(lr=0.07),
        *("train@mlp_relu", "evaluate@mlp_relu", "judge", "figures", "galleries", "report"),
    ),
    "one more activation on the ladder": change_params(
        lambda params: params["ladder"]["activations"].append("mish"),
        *("ladder@mish", "judge", "figures", "verdict_figures", "report"),
    ),
    "a threshold of the ladder": change_params(
        lambda params: params["ladder"]["thresholds"].update(trainable=0.5),
        *("judge", "figures", "verdict_figures", "report"),
    ),
    "a parameter of an experiment": change_params(
        lambda params: params["experiments"]["losses"].update(handicap=0.02),
        *("losses", "judge"),
    ),
    "the margin": change_params(
        lambda params: params["judge"].update(margin=0.3),
        *("judge", "verdict_figures", "report"),
    ),
    "a comment in an experiment": change_code(
        "src/dlstudy/experiments/losses/run.py",
        "# --- Networks ---",
        "# --- The networks ---",
        *("losses", "galleries", *PAGES),
    ),
    "the wording of a statement": change_code(
        "statements/SOFT-1.md", "Softmax gives", "The softmax gives", *("judge", "report")
    ),
    "a measure": change_code(
        "src/dlstudy/measures/softmax.py",
        '"""',
        '"""  ',
        *("judge", "verdict_figures", "report", "cost_report"),
    ),
    "a rule": change_code("src/dlstudy/judging/rules.py", '"""', '"""  ', *PAGES),
    "the wording of a page": change_code(
        "src/dlstudy/report/templates/models.md.j2", "# What the models reach", "# Results", "cost_report", "report"
    ),
    "a comment in a figure": change_code(
        "src/dlstudy/figures/style.py",
        '"""',
        '"""  ',
        *("figures", "verdict_figures", "galleries", "report", "cost_report"),
    ),
}
ONE_AFTER_THE_OTHER = [name for name, change in CHANGES.items() if not name.startswith("a comment in")]
ALSO_ALONE = ("a threshold of the ladder", "a rule")  # in `make test`; the others of these in `make faults`


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, marks=pytest.mark.slow if name in ONE_AFTER_THE_OTHER and name not in ALSO_ALONE else ())
        for name, change in CHANGES.items()
    ],
    ids=CHANGES,
)
def test_a_change_concerns_these_stages_and_no_others(checkout, change):
    with checkout.restored(change.file):
        change.make(checkout)
        assert checkout.dvc("repro", "--dry") == change.concerned


def test_contributing_says_what_a_change_reruns():
    table = (ROOT / "CONTRIBUTING.md").read_text().split("## What a change reruns")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| (.+?) \| (`.+`) \|$", table, flags=re.MULTILINE))
    assert {name: set(re.findall(r"`([^`]+)`", stages)) for name, stages in rows.items()} == {
        name: change.concerned for name, change in CHANGES.items()
    }


def test_impossible_parameters_stop_the_pipeline_before_any_work(checkout):
    with checkout.restored("params.yaml"):
        checkout.change(lambda params: params["train"]["mlp_relu"].update(lr=-1.0, batch_size=401))
        run = checkout.run("repro")
    assert run.returncode != 0
    assert "train.mlp_relu.lr: expected greater than 0, found -1.0" in run.stderr
    assert "train.mlp_relu.batch_size: expected at most 400" in run.stderr
    assert stale_stages(run.stdout) == [CHECK]
    assert checkout.dvc("repro") == set()  # nothing was lost


def test_all_these_changes_and_one_more_model_run_what_they_concern_and_nothing_else(checkout):
    changes = [CHANGES[name] for name in ONE_AFTER_THE_OTHER]
    for change in changes:
        change.make(checkout)
    checkout.change(lambda params: params["train"].update(wide=ONE_MORE | {"batch_size": 64, "num_epochs": 2}))
    concerned = set().union(*(change.concerned for change in changes), {"train@wide", "evaluate@wide"})
    drawn = {"figures", "verdict_figures", "galleries", "cost_report"}  # takes long, and nothing follows it
    assert checkout.dvc("repro", "report") == concerned - drawn
    assert checkout.dvc("repro", "--dry") == concerned & drawn
    pages = {"models": ("`wide`", "# Results"), "activations": ("mish",), "method": ("0.3 points",)}
    for page, words in pages.items():
        text = (checkout.root / f"reports/{page}.md").read_text(encoding="utf-8")
        assert all(word in text for word in words)


def test_a_comment_in_the_training_loop_trains_again_and_stops_there(checkout):
    checkout.replace("src/dlstudy/sgd/loop.py", '"""Minibatch', '"""Small-batch')
    # the closed form does not import the loop; the weights come out the same, so nothing is scored again
    models = read_params(checkout.root)["train"]
    trained = {f"train@{name}" for name, model in models.items() if model["method"] == "sgd"}
    assert checkout.dvc("repro", "evaluate") == trained


@pytest.mark.slow  # that of the workspace is run by test_exercises.py
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_an_experiment_in_a_temporary_copy_runs_the_code_of_that_copy(checkout):
    def git(*arguments):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=checkout.root, check=True, capture_output=True)

    model, history = "linear_sgd", checkout.root / "results/history/linear_sgd.csv"
    (checkout.root / ".dvc/config.local").unlink()
    (checkout.root / ".gitignore").write_text("/data/\n/models/\n__pycache__/\n/.dvc/cache\n/.dvc/tmp\n")
    git("init")
    git("add", "-A")
    git("commit", "-m", "as it is")
    old = history.read_bytes()
    checkout.replace("src/dlstudy/core/networks.py", '"train_loss"', '"loss_in_the_copy"')
    change = f"train.{model}.lr=0.05"
    ran = checkout.dvc("exp", "run", "--temp", "--name", "in-a-copy", "-S", change, f"evaluate@{model}")
    assert {f"train@{model}", f"evaluate@{model}"} <= ran
    assert history.read_bytes() == old  # the workspace is untouched
    checkout.dvc("exp", "apply", "in-a-copy")
    assert b"loss_in_the_copy" in history.read_bytes()
    assert read_params(checkout.root)["train"][model]["lr"] == 0.05
