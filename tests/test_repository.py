"""What editors, hosts and hooks read of this repository is in order and up to date."""

import json
import re
import shlex

import pytest
from ruamel.yaml import YAML

from dlstudy.judging.statements import split
from tools import schema
from tools.checkout import ROOT, read_params

HOSTED = sorted([*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"])


def load(path):
    return YAML(typ="safe").load(path)


def test_the_schemas_are_up_to_date():
    stale = [name for name in schema.KINDS if schema.file_of(name).read_text(encoding="utf-8") != schema.schema(name)]
    assert stale == [], "run `make schema`"


def test_the_schema_knows_every_section_of_params_and_refuses_others():
    content = json.loads(schema.schema("params"))
    assert set(content["properties"]) >= set(read_params(ROOT))
    assert content["additionalProperties"] is False


def test_the_schema_knows_every_key_of_the_statements_and_refuses_others():
    content = json.loads(schema.schema("statement"))
    kinds = {name: content["$defs"][name] for name in ("English", "Chinese", "EnglishReading", "ChineseReading")}
    assert {kind["additionalProperties"] for kind in kinds.values()} == {False}
    for path in (ROOT / "statements").rglob("*.md"):
        language = "Chinese" if path.name.endswith(".zh.md") else "English"
        front, _ = split(path)
        assert set(front) <= set(kinds[language]["properties"]), path
        keys = set().union(*front["readings"].values())
        assert keys <= set(kinds[f"{language}Reading"]["properties"]), path


def test_editors_find_every_schema():
    settings = json.loads((ROOT / ".vscode/settings.json").read_text(encoding="utf-8"))
    assert set(settings["yaml.schemas"]) == {schema.file_of(name).relative_to(ROOT).as_posix() for name in schema.KINDS}


@pytest.mark.parametrize("path", HOSTED, ids=lambda path: path.name)
def test_what_the_host_reads_is_yaml(path):
    assert load(path)


@pytest.mark.parametrize(
    "path", [".vscode/settings.json", ".vscode/extensions.json", ".devcontainer/devcontainer.json"]
)
def test_what_editors_read_is_json(path):
    assert json.loads((ROOT / path).read_text(encoding="utf-8"))


def test_every_make_target_that_a_workflow_runs_exists():
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    runs = [
        step["run"]
        for path in (ROOT / ".github/workflows").glob("*.yml")
        for job in load(path)["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]
    made = {shlex.split(run)[1] for run in runs if run.startswith("make ")}
    assert {"setup", "faults"} <= made <= targets
    assert ".ci/run" in runs


def test_the_weekly_run_has_the_emulator_of_other_processors():
    steps = load(ROOT / ".github/workflows/weekly.yml")["jobs"]["faults"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert any("qemu-user" in run for run in runs[: runs.index("make faults")])


def test_the_hooks_run_what_make_check_runs():
    hooks = {
        hook["entry"].split("-m ")[1].split()[0] for hook in load(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    }
    makefile = (ROOT / "Makefile").read_text()
    assert {"ruff", "mypy"} <= hooks
    assert all(f"@python -m {module}" in makefile for module in hooks)
