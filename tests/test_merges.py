"""The recipes of CONTRIBUTING for merging branches with results and for sharing data, followed as they are printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm
from tools.checkout import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PIPELINE = """\
stages:
  double:
    cmd: python double.py
    params: [a, b]
    deps: [double.py, models/check.txt]
    outs: [models/m.txt]
    metrics: [metrics/m.json: {cache: false}]
"""
CHECK = """\
stages:
  check:
    wdir: ..
    cmd: python -c "open('models/check.txt', 'w').write('checked')"
    deps: [params.yaml]
    outs: [models/check.txt: {persist: true}]
"""
STAGE = """\
from pathlib import Path
a, b = (int(line.split()[1]) for line in Path("params.yaml").read_text().splitlines() if ":" in line)
Path("metrics").mkdir(exist_ok=True)
Path("models").mkdir(exist_ok=True)
Path("metrics/m.json").write_text(f'{{"sum": {a + b}}}\\n')
Path("models/m.txt").write_text(f"{a * b}\\n")
"""
FOLDERS = ("metrics", "results", "timing", "reports")


def commands(heading):
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
    return [shlex.split(line) for line in block.splitlines()]


@pytest.fixture
def run(tmp_path):
    """A function that runs a command in a small project of DVC and Git."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    identity = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = warm.warmed(os.environ | identity | {"PATH": path, "GIT_EDITOR": "true", "HOME": str(tmp_path)})

    def command(*words, ok=True, folder="project"):
        words = [warm.python(), "-m", *words] if words[0] == "dvc" else words
        done = subprocess.run(
            words, cwd=tmp_path / folder, env=environment, capture_output=True, text=True, check=False
        )
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    root = tmp_path / "project"
    root.mkdir()
    (root / "stages").mkdir()
    (root / "models").mkdir()
    for name, content in (
        ("stages/dvc.yaml", CHECK),
        ("dvc.yaml", PIPELINE),
        ("double.py", STAGE),
        ("params.yaml", "a: 1\n\n\n\nb: 1\n"),
    ):
        (root / name).write_text(content)
    for folder in FOLDERS[1:]:
        (root / folder).mkdir()
        (root / folder / "page.md").write_text("page\n")
    (root / ".gitignore").write_text("/models/\n")
    command("git", "init", "--quiet", "--initial-branch", "main")
    command("dvc", "init", "--quiet")
    command("dvc", "repro", "--quiet")
    command("git", "add", "--all")
    command("git", "commit", "--quiet", "--message", "as it was")
    return command


def change(root, run, old, new):
    params = root / "params.yaml"
    params.write_text(params.read_text().replace(old, new))
    run("dvc", "repro", "--quiet")
    run("git", "commit", "--quiet", "--all", "--message", new)


def test_two_branches_with_results_are_merged_by_the_recipe(run, tmp_path):
    root = tmp_path / "project"
    run("git", "checkout", "--quiet", "-b", "other-branch")
    change(root, run, "b: 1", "b: 5")
    run("git", "checkout", "--quiet", "main")
    change(root, run, "a: 1", "a: 3")
    merge, *rest = commands("Merge two branches with results")
    assert "CONFLICT" in run(*merge, ok=False)
    for words in rest:
        run(*words)
    assert (root / "metrics/m.json").read_text() == '{"sum": 8}\n'
    assert run("git", "status", "--porcelain") == ""
    assert "changed deps" not in run("dvc", "status")


def test_a_folder_becomes_a_remote_by_the_recipe(run, tmp_path):
    """`dvc pull` says that there is none; by two lines in each checkout there is one."""
    assert "no remote" in run("dvc", "pull", ok=False).lower()
    storage = str(tmp_path / "storage")
    add, push = (
        [storage if word.startswith("/path") else word for word in words] for words in commands("Share data and models")
    )
    run(*add)
    run(*push)
    run("git", "clone", "--quiet", str(tmp_path / "project"), str(tmp_path / "clone"))
    run(*add, folder="clone")
    run("dvc", "pull", folder="clone")
    assert (tmp_path / "clone/models/m.txt").read_text() == "1\n"
