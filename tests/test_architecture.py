"""The shape of the project: what may import what, and that DVC knows of it.

DVC does not follow Python imports. A stage that does not list a file which it imports is not run again when that file
changes; one that lists a file which it does not import is run again for nothing. So the lists in dvc.yaml are compared
with the imports.
"""

import ast
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.import_closure import ROOT, closure, imports_of, third_party
from tools.checkout import read_params, write_params
from tools.reproduce import is_timing

SRC, STAGES = ROOT / "src", ROOT / "stages"
FILES = sorted(path for folder in (SRC, STAGES) for path in folder.rglob("*.py"))
LIBRARY = [path for path in FILES if path.is_relative_to(SRC) and path != SRC / "dlstudy" / "__init__.py"]
DATA_FILES = {  # files of the library that are not Python, and the module that reads them
    "src/dlstudy/families.yaml": "src/dlstudy/experiments/census/families.py",
    "src/dlstudy/published.yaml": "src/dlstudy/literature/published.py",
    "src/dlstudy/report/templates": "src/dlstudy/report/markdown.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- Layers ---

LAYERS = (  # a module imports from the layers above its own in this list, and from its own package
    {"errors"},
    {"params", "arithmetic", "artifacts", "provenance", "randomness", "statistics", "tuning"},
    {"cluster", "families", "models", "published", "tensor_files", "weights"},
    {"data", "execution"},
    {"inputs"},
    {"pretrained"},
    {"features", "losses"},
    {"runs"},
    {"vision_networks"},
    {"calibration"},
    {"closed_form", "evaluation", "sgd", "stacks", "vision"},  # training does not evaluate, evaluation does not train
    {"experiments"},
    {"results"},
    {"claims"},
    {"figures", "report"},
    {"galleries"},
)


def unit_of(path: Path) -> str:
    """The module or package of the library that a file belongs to."""
    return path.relative_to(SRC / "dlstudy").parts[0].removesuffix(".py")


def layer_of(unit: str) -> int:
    (layer,) = (number for number, units in enumerate(LAYERS) if unit in units)
    return layer


def test_every_module_has_its_layer():
    assert sorted(unit for units in LAYERS for unit in units) == sorted({unit_of(path) for path in LIBRARY})


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_a_module_imports_from_lower_layers_and_its_own_package(path):
    assert all(imported.is_relative_to(SRC) for imported in imports_of(path)), "the library imports no stage"
    others = {unit_of(imported) for imported in imports_of(path)} - {unit_of(path)}
    assert {other for other in others if layer_of(other) >= layer_of(unit_of(path))} == set()


def test_stages_do_not_import_each_other():
    for path in STAGES.glob("*.py"):
        assert not {imported for imported in imports_of(path) if imported.is_relative_to(STAGES)}, name_of(path)


# --- What is imported from others ---


def imported_at_once(path: Path) -> set[str]:
    """The top-level names that a file imports when it is imported: not those inside functions."""
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    names = set()
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).split(".")[0])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(node))
    return names


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_torchvision_and_dask_are_imported_inside_functions_only(path):
    # torchvision takes seconds, and only who names a scheduler needs Dask
    assert not {"torchvision", "distributed", "dask"} & imported_at_once(path)


def test_training_is_imported_without_dask():
    code = "import sys, stages.train_sgd; sys.exit(bool({'dask', 'distributed'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    "name", ["check_params", "cost_report", "download", "figures", "judge", "report", "verdict_figures"]
)
def test_parameters_downloads_verdicts_figures_and_reports_never_import_torch(name):
    assert "torch" not in third_party(closure(f"stages.{name}"))


def test_verdicts_figures_and_reports_are_imported_without_torch():
    names = "stages.cost_report, stages.figures, stages.judge, stages.report, stages.verdict_figures"
    code = f"import sys, {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("path", sorted(STAGES.glob("*.py")), ids=name_of)
def test_only_downloads_reach_beyond_this_machine(path):
    reached = third_party(closure(f"stages.{path.stem}"))
    reaches = bool(reached & {"urllib", "http", "socket", "subprocess", "requests"})
    assert reaches == (path.stem in ("download", "download_weights"))


def test_no_stage_lets_torchvision_or_torch_download_anything_for_it():
    calls = re.compile(
        r"\bget_state_dict\b|load_state_dict_from_url|download_url|download=True|get_model\([^)]*weights=(?!None)"
    )
    found = {name_of(path) for path in FILES if calls.search(path.read_text())}
    reads_its_own_file = (
        "src/dlstudy/experiments/torchvision_tour/tour.py"  # in the folder where the weights API looks first
    )
    assert found == {"src/dlstudy/download/sources.py", "src/dlstudy/download/weight_files.py", reads_its_own_file}


@pytest.mark.parametrize("path", sorted(STAGES.glob("*.py")), ids=name_of)
def test_a_stage_is_a_recipe_of_at_most_fifty_lines(path):
    assert len(path.read_text().splitlines()) <= 50


# --- The imports and dvc.yaml ---


@cache
def pipeline() -> dict[str, tuple[str, frozenset[str], frozenset[str]]]:
    """Each stage as DVC resolves it: its module, the code that it depends on, and the code that it imports.

    With an entry in every section that may be empty, so that there is a stage for it.
    """
    resolved = {}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "dvc.yaml", folder)
        params = read_params(ROOT)
        write_params(Path(folder), params | {"features": {"example": {"weights": "ResNet18_Weights.IMAGENET1K_V1"}}})
        Repo.init(folder, no_scm=True)
        with Repo(folder) as repo:
            for stage in repo.stage.load_all(str(Path(folder) / "dvc.yaml")):
                module = stage.cmd.split()[2]
                code = frozenset(dep.def_path for dep in stage.deps if dep.def_path.startswith(("src/", "stages/")))
                resolved[stage.name] = (module, code, frozenset(map(name_of, closure(module))))
    return resolved


def groups() -> dict[str, list[str]]:
    """The stages of each foreach group; a stage of its own is a group of one."""
    found: dict[str, list[str]] = {}
    for stage in pipeline():
        found.setdefault(stage.split("@")[0], []).append(stage)
    return found


@pytest.mark.parametrize("stage", pipeline())
def test_a_stage_depends_on_every_file_that_it_imports(stage):
    _, code, imported = pipeline()[stage]
    assert imported - code == set()


@pytest.mark.parametrize("group", groups())
def test_no_stage_depends_on_code_that_no_stage_of_its_group_imports(group):
    stages = [pipeline()[stage] for stage in groups()[group]]
    listed = set().union(*(code for _, code, _ in stages)) - set(DATA_FILES)
    assert listed - set().union(*(imported for _, _, imported in stages)) == set()


@pytest.mark.parametrize("stage", pipeline())
def test_a_stage_depends_on_the_files_that_its_modules_read(stage):
    _, code, imported = pipeline()[stage]
    assert code & set(DATA_FILES) == {file for file, reader in DATA_FILES.items() if reader in imported}


def test_every_file_of_the_library_that_is_not_python_has_a_reader():
    others = {name_of(path) for path in SRC.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert others
    assert {name for name in others if not name.startswith(tuple(DATA_FILES))} == set()


def test_the_pipeline_runs_every_stage_script():
    modules = {module for module, _, _ in pipeline().values()}
    scripts = {f"stages.{path.stem}" for path in STAGES.glob("*.py") if path.stem != "__init__"}
    assert modules == scripts


TRAINING = {"src/dlstudy/sgd/loop.py", "src/dlstudy/tuning/stacks.py", "src/dlstudy/vision/loop.py"}


def one_holds_the_other(path: str, other: str) -> bool:
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


@cache
def files() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What each committed stage writes, and what it reads."""
    with Repo(str(ROOT), config={"core": {"no_scm": True}}) as repo:
        stages = repo.stage.load_all(str(ROOT / "dvc.yaml"))
        outs = {stage.addressing: [out.def_path for out in stage.outs] for stage in stages}
        deps = {stage.addressing: [dep.def_path for dep in stage.deps] for stage in stages}
    return outs, deps


@cache
def stages_before(stage: str) -> frozenset[str]:
    """All stages whose outputs it waits for, by way of others too."""
    outs, deps = files()
    direct = {
        other
        for other, paths in outs.items()
        if any(one_holds_the_other(out, path) for out in paths for path in deps[stage])
    }
    return frozenset(direct.union(*map(stages_before, direct)))


def test_nothing_is_trained_before_the_weights_have_come():
    training = {stage for stage in files()[0] if pipeline()[stage][2] & TRAINING}
    assert len(training) > 15
    assert {stage for stage in training if "download_weights" not in stages_before(stage)} == set()


def test_nothing_that_is_compared_depends_on_a_clock():
    outs, deps = files()
    clocked = [out for paths in outs.values() for out in paths if is_timing(out)]
    assert clocked
    for stage, paths in deps.items():
        reads = [out for out in clocked for path in paths if one_holds_the_other(path, out)]
        assert not reads or all(map(is_timing, outs[stage])), stage
        assert len({is_timing(out) for out in outs[stage]}) == 1, stage  # all of it is compared, or none


@pytest.mark.parametrize("stage", pipeline())
def test_no_stage_depends_on_a_folder_of_code(stage):
    _, code, _ = pipeline()[stage]
    folders = {name for name in code if (ROOT / name).is_dir()}
    assert folders <= set(DATA_FILES)  # it would run again for any file in it


# --- The walk over the imports itself ---


def test_the_closure_follows_imports_of_imports_and_packages():
    found = set(map(name_of, closure("stages.train_sgd")))
    assert "stages/__init__.py" in found  # the package of the stage
    assert "src/dlstudy/core/arithmetic.py" in found  # which that package imports
    assert "src/dlstudy/core/artifacts.py" in found  # by way of tensor_files
    assert "src/dlstudy/download/sources.py" not in found


# --- And these tests ---


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "host.invalid"])  # addresses and a name of nobody's
def test_a_test_that_would_use_the_network_fails(host):
    with pytest.raises(pytest.fail.Exception, match="no test may use the network"):
        socket.create_connection((host, 80), timeout=1)


def test_a_test_may_talk_to_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=10).close()
