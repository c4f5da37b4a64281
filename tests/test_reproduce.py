"""Everything again, stage by stage: what is done is kept, and each stage is compared with what was there."""

import shutil

import pandas as pd
import pytest

from dlstudy.core.base.errors import StudyError
from tools import reproduce
from tools.checkout import NO_GIT, ROOT
from tools.comparison import stage_outputs
from tools.readme import reproduced
from tools.reproduce import RECORD, STATE, Run, hash_of, in_words, read_record, time_left

PIPELINE = """
stages:
  first:
    cmd: echo first >> ran; echo 1 > a.csv
    outs: [a.csv: {cache: false}]
  second:
    cmd: test -e gate && echo second >> ran && cat a.csv second.txt > b.csv
    deps: [a.csv, second.txt]
    outs: [b.csv: {cache: false}]
  timed:
    cmd: echo timed >> ran; mkdir timing; date +%N > timing/c.csv
    deps: [a.csv]
    outs: [timing/c.csv: {cache: false}]
"""


@pytest.fixture
def project(tmp_path):
    """A pipeline of three stages that has run, in a folder with a space in its name."""
    root = tmp_path / "a study"
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc/config").write_text(NO_GIT)
    (root / "dvc.yaml").write_text(PIPELINE.replace("mkdir", "mkdir -p"))
    (root / "params.yaml").write_text("prepare: {images: {dataset: FashionMNIST}}\n")
    (root / "second.txt").write_text("2\n")
    (root / "gate").touch()
    assert reproduce.dvc(root, "repro") == 0
    (root / "ran").unlink()
    return root


def ran(root):
    file = root / "ran"
    return file.read_text().split() if file.exists() else []


def test_everything_runs_again_and_each_stage_says_what_came_out_the_same(project, capfd):
    assert reproduce.main([], project) == 0
    assert sorted(ran(project)) == ["first", "second", "timed"]
    said = capfd.readouterr().out
    assert "first: 1 of 1 outputs are the same bytes" in said
    assert "timed: 0 of 0 outputs" in said  # by the clock: not compared
    assert "All 2 files and folders came out byte-identical." in said
    assert not Run(project).state.exists()


def test_a_run_that_was_stopped_goes_on_where_it_was(project, capfd):
    (project / "gate").unlink()
    assert reproduce.main([], project) != 0
    assert "second ended with status" in capfd.readouterr().err
    assert "second" not in ran(project)
    (project / "gate").touch()
    assert reproduce.main([], project) == 0
    assert sorted(ran(project)) == ["first", "second", "timed"]  # each once, over both runs


def test_what_came_out_other_is_named_with_the_file_and_decides_the_exit_status(project, capfd):
    (project / "second.txt").write_text("3\n")
    assert reproduce.main([], project) == 1
    said = capfd.readouterr().out
    assert "second: 0 of 1 outputs are the same bytes\n  differs       b.csv" in said
    assert "1 do not agree" in said


def test_a_stage_whose_code_has_changed_since_it_was_done_runs_once_more(project):
    run = Run(project)
    run.begin()
    for stage in ("first", "second"):
        assert run.run(stage) == 0
    assert run.stages_left() == ["timed"]
    (project / "second.txt").write_text("3\n")
    assert sorted(run.stages_left()) == ["second", "timed"]


def test_all_stages_run_once_more_against_the_same_where_asked(project, capfd):
    (project / "second.txt").write_text("3\n")
    assert reproduce.main([], project) == 1
    assert "What was there before stays in tmp/reproduce/before" in capfd.readouterr().out
    assert reproduce.main([], project) == 1  # said once more, and nothing runs
    assert sorted(ran(project)) == ["first", "second", "timed"]
    assert reproduce.main(["--restart"], project) == 1
    assert sorted(ran(project)) == ["first", "first", "second", "second", "timed", "timed"]
    (project / "second.txt").write_text("2\n")
    assert reproduce.main(["--restart"], project) == 0  # as it was at first


def test_a_kill_after_a_stage_and_before_it_was_noted_loses_that_stage_only(project):
    (project / "second.txt").write_text("3\n")
    run = Run(project)
    run.begin()
    assert run.run("first") == 0
    run._keep(run.seconds, running="second")
    assert reproduce.dvc(project, "repro", "--force", "--single-item", "second") == 0  # and then the kill
    assert reproduce.main([], project) == 1  # compared with what was there before
    assert sorted(ran(project)) == ["first", "second", "second", "timed"]


def test_a_file_that_is_missing_upstream_does_not_stop_what_goes_on(project):
    run = Run(project)
    run.begin()
    assert run.run("first") == 0
    (project / "b.csv").unlink()
    (project / "a.csv").unlink()
    assert run.stages_left()[-1] == "timed"
    assert reproduce.main(["--restart"], project) == 0


def test_a_record_is_kept_where_asked_and_tells_the_time_left(project, capfd):
    (project / "bench").mkdir()
    assert reproduce.main(["--record", "first", "second"], project) == 0
    kept = read_record(project / RECORD)
    assert list(kept.index) == ["first", "second"]
    assert list(kept["num_outputs"]) == list(kept["num_same"]) == [1, 1]
    assert "2 stages that were never timed" in capfd.readouterr().out
    reproduce.main(["--record", "second", "timed"], project)
    assert list(read_record(project / RECORD).index) == ["first", "second", "timed"]
    assert "and 1 stages that were never timed" in capfd.readouterr().out
    (project / "second.txt").write_text("3\n")
    reproduce.main(["--record", "second"], project)
    other = read_record(project / RECORD).loc["second"]
    assert (other["num_outputs"], other["num_same"]) == (1, 0)
    assert other["outputs"] == kept.loc["second", "outputs"]  # of what was there before


def test_other_results_than_a_run_left_are_not_taken_for_those_it_began_with(project, capfd):
    (project / "gate").unlink()
    assert reproduce.main([], project) != 0
    (project / "gate").touch()
    (project / "second.txt").write_text("3\n")
    assert reproduce.dvc(project, "repro") == 0
    assert reproduce.main(["timed"], project) == 0
    assert reproduce.main([], project) == 2
    told = capfd.readouterr().err
    assert "found other results of timed; delete tmp/reproduce to begin anew" in told  # second was running
    shutil.rmtree(project / STATE)
    assert reproduce.main([], project) == 0


def test_stages_by_name_do_not_disturb_a_run_that_was_stopped(project):
    (project / "gate").unlink()
    assert reproduce.main([], project) != 0
    assert reproduce.main(["first"], project) == 0
    (project / "gate").touch()
    assert reproduce.main([], project) == 0
    assert ran(project).count("first") == 2  # once in each


def test_a_record_that_is_none_is_named(project, capfd):
    (project / "bench").mkdir()
    (project / RECORD).write_text("")
    with pytest.raises(StudyError, match=r"reproduced\.csv: expected a table with stage, seconds"):
        Run(project)


def test_without_a_record_the_page_says_so(project):
    assert reproduced(read_record(project / RECORD)) == "Nothing yet."


def test_the_page_counts_what_was_run_again_of_the_outputs_as_they_are_now():
    outputs = stage_outputs(ROOT / "dvc.lock")
    row = {"seconds": 90.0, "processor": "A processor", "num_outputs": 4, "num_same": 3}
    names = ["census", "losses", "linearity"]
    hashes = [hash_of(outputs["census"]), hash_of(outputs["losses"]), "of before"]
    record = pd.DataFrame([row | {"outputs": each} for each in hashes], index=names)
    wanted = f"- A processor: 2 of {len(outputs)} stages, which took 3 min; 6 of 8 outputs are the same bytes."
    assert reproduced(record) == wanted


def test_a_stage_that_is_none_is_named(project, capfd):
    assert reproduce.main(["third"], project) == 2
    assert "third: expected stages of dvc.yaml" in capfd.readouterr().err
    assert ran(project) == []


def test_the_time_left_is_that_of_earlier_runs_at_the_pace_of_this_machine():
    expected = {"a": 60.0, "b": 600.0, "c": 6000.0}
    assert time_left(expected, {}, ["c"]) == "about 1 h 40 min left"
    assert time_left(expected, {"a": 30.0}, ["b", "c"]) == "about 55 min left"
    assert time_left(expected, {"a": 30.0, "new": 999.0}, ["b"]) == "about 5 min left"
    assert time_left(expected, {}, ["a", "new", "newer"]) == "about 1 min left, and 2 stages that were never timed"


@pytest.mark.parametrize(("seconds", "words"), [(8.0, "8 s"), (200.0, "3 min"), (3725.0, "1 h 02 min")])
def test_durations_are_told_in_words(seconds, words):
    assert in_words(seconds) == words
