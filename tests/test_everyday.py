"""What users do in their first minutes: look, judge again, check."""

import hashlib
import re

import pandas as pd
import pytest
from ruamel.yaml import YAML

from dlstudy.core.base.errors import StudyError
from tools import judge
from tools.checkout import ROOT, read_params
from tools.comparison import is_bulk
from tools.packages import others
from tools.staleness import without_data
from tools.stored import altered, checksum, damaged


def pipeline():
    return YAML(typ="safe").load(ROOT / "dvc.yaml")


# --- make judge ---


def test_judging_runs_what_follows_from_its_parameters_and_nothing_that_trains():
    first, *later = judge.judging_stages(pipeline())
    assert {"python -m stages.judge", "python -m stages.cost_report"} <= set(first)  # of judge, of judge.confidence
    assert "python -m stages.report" in [command for turn in later for command in turn]
    commands = {command for turn in (first, *later) for command in turn}
    bulk = {
        stage["cmd"]
        for stage in pipeline()["stages"].values()
        if "do" not in stage and isinstance(stage["cmd"], str)
        for path in judge._paths(stage["deps"])
        if is_bulk(path) or path in ("data", "models")
    }
    assert bulk
    assert commands.isdisjoint(bulk)  # what needs data or models


def test_judging_waits_for_what_it_reads():
    stages = {
        "d": {"cmd": "d", "params": ["judge"], "outs": ["a.csv"], "deps": []},
        "c": {"cmd": "c", "deps": ["x"], "metrics": [{"m/b.json": {"cache": False}}]},
        "b": {"cmd": "b", "deps": ["a.csv"], "plots": ["x"]},
        "a": {"cmd": "a", "deps": ["other"]},
        "e": {"foreach": [], "do": {"cmd": "e", "deps": ["a.csv"]}},
    }
    assert judge.judging_stages({"stages": stages}) == [["d"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.mlp_relu.lr=0.1", "expected a parameter of judgement"),
        ("judge.margin=-1", "judge.margin: expected greater than 0, found -1"),
        ("judge.margins=1", "expected KEY=VALUE, with a key of params.yaml"),
    ],
)
def test_a_parameter_that_cannot_be_judged_by_is_refused_and_nothing_changed(override, message, tmp_path, monkeypatch):
    content = (ROOT / "params.yaml").read_bytes()
    (tmp_path / "params.yaml").write_bytes(content)
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    monkeypatch.setattr(judge, "ROOT", tmp_path)
    with pytest.raises(StudyError, match=message):
        judge.change_params([override])
    assert (tmp_path / "params.yaml").read_bytes() == content


def test_a_parameter_is_set_and_nothing_else_of_the_file_changed(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    monkeypatch.setattr(judge, "ROOT", tmp_path)
    judge.change_params(["judge.margin=0.25"])
    old, new = read_params(ROOT), read_params(tmp_path)
    assert new == old | {"judge": old["judge"] | {"margin": 0.25}}


def test_the_verdicts_that_moved_are_named():
    before = pd.DataFrame({"id": ["A-1", "A-2"], "verdict": ["supported", "refuted"]})
    after = pd.DataFrame({"id": ["A-1", "A-2", "A-3"], "verdict": ["supported", "inconclusive", "refuted"]})
    assert judge.moved(before, after) == ["  A-2: refuted -> inconclusive", "  A-3: absent -> refuted"]


def test_a_stage_that_fails_ends_the_judging_with_its_status(capfd):
    assert judge.run([["python -c pass", "python -c raise(SystemExit(3))"], ["python -c print('never')"]]) == 3
    assert "\nnever" not in capfd.readouterr().out


# --- make check ---


def test_a_folder_has_the_checksum_that_dvc_gives_it(tmp_path):
    """Worked by hand: the MD5 of DVC's listing as it stands in its cache."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_bytes(b"two")
    (tmp_path / "sub/a.txt").write_bytes(b"one")
    (tmp_path / ".gitignore").touch()
    one, two = (hashlib.md5(content, usedforsecurity=False).hexdigest() for content in (b"one", b"two"))
    listing = f'[{{"md5": "{two}", "relpath": "b.txt"}}, {{"md5": "{one}", "relpath": "sub/a.txt"}}]'
    assert checksum(tmp_path) == hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest() + ".dir"
    assert checksum(tmp_path / "b.txt") == two


def test_a_flipped_bit_in_data_and_in_the_cache_is_found(tmp_path):
    names = ("models/a.pt", "models/b.pt", "data/raw/images")
    for path in ("models/a.pt", "data/raw/images/x"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"content")
    (tmp_path / "data/prepared").mkdir()  # empty, as DVC may leave it
    noted = {name: checksum(tmp_path / name) for name in names if (tmp_path / name).exists()}
    noted |= {"models/b.pt": "absent", "data/prepared": "absent", "results/x.csv": "for Git to keep"}
    assert altered(tmp_path, noted) == []
    (tmp_path / "data/raw/images/x").write_bytes(b"cnntent")
    assert altered(tmp_path, noted) == ["data/raw/images"]

    whole = tmp_path / "cache" / noted["models/a.pt"][:2] / noted["models/a.pt"][2:]
    whole.parent.mkdir(parents=True)
    whole.write_bytes(b"content")
    assert list(damaged(tmp_path / "cache")) == []
    whole.write_bytes(b"cnntent")
    assert list(damaged(tmp_path / "cache")) == [whole]


def test_what_is_checked_for_staleness_has_neither_data_nor_models(tmp_path):
    for file in (
        "data/x",
        "models/x",
        "src/a.py",
        "results/r.csv",
        ".dvc/config",
        ".dvc/cache/x",
        ".dvcignore",
        "dvc.lock",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    with without_data(tmp_path) as copy:
        found = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert found == {"src/a.py", "results/r.csv", ".dvc/config", ".dvc/config.local", ".dvcignore", "dvc.lock"}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_package_that_is_not_the_locked_one_is_named():
    pins = "numpy==2.0", "    # via pandas", "torch==2.14.1", "future==1.0 ; python_version < '3.8'", "absent==1.0"
    have = {"numpy": "1.9", "torch": "2.14.1+cpu"}
    first, second = others("\n".join(pins), have.get)
    assert first.startswith("numpy: expected ==2.0 of requirements.txt, found 1.9; run")
    assert second.startswith("absent: expected ==1.0 of requirements.txt, found none")


# --- docs/faults.md ---


def test_every_test_that_the_table_of_faults_names_exists():
    named = set(re.findall(r"`((?:\w+/)?test_\w+\.py)`", (ROOT / "docs/faults.md").read_text(encoding="utf-8")))
    assert len(named) > 8
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []
