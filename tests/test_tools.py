"""The tools behind the Makefile, as far as they can be tested without running the pipeline."""

import pytest

from dlstudy.core.base.params import validated
from dlstudy.study.params import StudyParams
from tools.checkout import ROOT, copy_checkout, images_from, read_params
from tools.comparison import Verdict, compare, compared_stages, files_below, locked_outputs, summary, verdicts
from tools.smoke import miniature
from tools.staleness import stale_stages, unexplained


def test_stages_that_would_run_are_found_in_a_dry_run():
    output = "Stage 'a' didn't change, skipping\nRunning stage 'train@b':\n> python -m x\nRunning stage 'c':\n"
    assert stale_stages(output) == ["train@b", "c"]


def test_a_quiet_dry_run_has_no_stale_stage():
    assert stale_stages("Data and pipelines are up to date.\n") == []


def test_miniature_settings_are_valid_and_name_the_same_models():
    params = read_params(ROOT)
    small = miniature(params)
    validated(small, StudyParams)
    assert [*small["train"], *small["vision"]] == [*params["train"], *params["vision"]]


def test_results_of_models_that_params_do_not_name_are_found(tmp_path):
    for file in ("metrics/a.json", "metrics/gone.json", "results/history/gone.csv", "results/evaluation/gone/x.csv"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert unexplained(tmp_path, {"a"}) == ["metrics/gone.json", "results/evaluation/gone", "results/history/gone.csv"]


def test_a_copy_has_no_data_no_models_and_no_history(tmp_path):
    copy_checkout(tmp_path / "copy")
    found = {path.name for path in (tmp_path / "copy").iterdir()}
    assert found.isdisjoint({"data", "models", "results", "metrics", "reports", ".git", "dvc.lock"})
    assert not (tmp_path / "copy/stages/dvc.lock").exists()
    assert (tmp_path / "copy/src/dlstudy/core/base/dataset.py").is_file()


def test_images_that_are_there_already_are_the_source_unless_the_user_names_another(tmp_path, monkeypatch):
    params = read_params(ROOT)
    params["prepare"]["images"]["dataset"] = "KMNIST"
    assert images_from(tmp_path / "none", params) == {}
    assert images_from(tmp_path, params) == {"DLSTUDY_KMNIST": str(tmp_path)}
    monkeypatch.setenv("DLSTUDY_KMNIST", "/mine")
    assert images_from(tmp_path, params) == {}


@pytest.mark.parametrize(
    ("path", "old", "new", "outcome"),
    [
        ("metrics/m.json", '{"a": 0.5}', '{"a": 0.5}', "same"),
        ("metrics/m.json", '{"a": 0.5}', '{"a": 0.504}', "agrees"),
        ("metrics/m.json", '{"a": 0.5}', '{"a": 0.6}', "differs"),
        ("metrics/m.json", '{"a": 0.5}', '{"b": 0.5}', "differs"),
        ("metrics/linear_closed_form.json", '{"a": 48000.0}', '{"a": 48001.0}', "differs"),
        ("results/data/x/facts.json", '{"a": {"b": 1.0}}', '{"a": {"b": 1.0000000001}}', "agrees"),
        ("results/evaluation/m/coefficients.csv", "seed,value\n0,1.0\n", "seed,value\n0,1.005\n", "agrees"),
        ("results/evaluation/m/per_seed.csv", "seed,loss\n0,1.0\n", "seed,loss\n0,1.0\n1,1.0\n", "differs"),
        ("results/history/m.csv", "seed,loss\n0,1.0\n", "seed,loss\n0,99.0\n", "differs"),
        ("results/evaluation/m/coefficients.csv", "name,value\na,1.0\n", "name,value\nb,1.0\n", "differs"),
        ("results/unknown.csv", "a\n1\n", "a\n2\n", "differs"),
        ("reports/README.md", "old", "new", "not compared"),
    ],
)
def test_files_are_compared_by_bytes_then_by_numbers(path, old, new, outcome):
    assert compare(path, old.encode(), new.encode()).outcome == outcome


def test_files_that_come_or_go_are_reported():
    found = {verdict.path: verdict.outcome for verdict in verdicts({"a": b"1", "b": b"2"}, {"b": b"2", "c": b"3"})}
    assert found == {"a": "gone", "b": "same", "c": "new"}


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (["same", "same"], 0),
        (["same", "agrees", "not compared"], 0),
        (["same", "differs"], 1),
        (["same", "gone"], 1),
    ],
)
def test_the_exit_status_tells_whether_all_agree(outcomes, status):
    assert summary([Verdict("file", outcome) for outcome in outcomes])[1] == status


def test_every_output_in_the_lock_has_a_checksum():
    assert all(locked_outputs(ROOT / "dvc.lock").values())


def test_what_hangs_on_a_clock_is_not_compared(tmp_path):
    for file in ("timing/verdicts.csv", "reports/timing/x.png", "reports/activation_cost.md", "reports/README.md"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"x")
    outputs = dict.fromkeys(("timing/verdicts.csv", "reports/timing", "reports/activation_cost.md"), "1")
    assert files_below(tmp_path, outputs | {"reports/README.md": "2"}) == {"reports/README.md": b"x"}


def test_of_two_locks_only_times_may_differ(tmp_path):
    def lock(time, result):
        outs = {
            "timed": ("timing/a.csv", time),
            "told": ("reports/activation_cost.md", time),
            "rest": ("r.csv", result),
        }
        lines = [f"  {name}:\n    outs:\n    - {{path: {path}, md5: '{md5}'}}" for name, (path, md5) in outs.items()]
        path = tmp_path / f"{time}{result}.lock"
        path.write_text("\n".join(["schema: '2.0'", "stages:", *lines]) + "\n")
        return compared_stages(path)

    assert lock("1", "9") == lock("2", "9")
    assert lock("1", "9") != lock("1", "8")
