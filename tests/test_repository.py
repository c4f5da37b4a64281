"""What editors, hosts and hooks read of this repository is in order and up to date."""

import json
import re
import shlex

import pytest
from ruamel.yaml import YAML

from tools import schema
from tools.checkout import ROOT, read_params

HOSTED = sorted([*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"])


def load(path):
    return YAML(typ="safe").load(path)


def test_the_schema_of_params_is_up_to_date():
    assert schema.FILE.read_text(encoding="utf-8") == schema.schema(), "run `make schema`"


def test_the_schema_knows_every_section_of_params_and_refuses_others():
    content = json.loads(schema.FILE.read_text(encoding="utf-8"))
    assert set(content["properties"]) >= set(read_params(ROOT))
    assert content["additionalProperties"] is False


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


def test_the_hooks_run_what_make_check_runs():
    hooks = {
        hook["entry"].split("-m ")[1].split()[0] for hook in load(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    }
    makefile = (ROOT / "Makefile").read_text()
    assert {"ruff", "mypy"} <= hooks
    assert all(f"@python -m {module}" in makefile for module in hooks)
