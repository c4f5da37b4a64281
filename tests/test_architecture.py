"""The shape of the project: what may import what, and that DVC knows of it.

DVC does not follow Python imports. A stage that depends on no folder of a file which it imports is not run again when
that file changes; one that depends on a folder of which it imports nothing is run again for nothing. So the folders in
dvc.yaml are compared with the imports.
"""

import ast
import inspect
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from dvc.repo import Repo

from dlstudy.core.base.params import Section
from stages.experiment import OF_A_MODEL
from tests.import_closure import NOBODYS, ROOT, closure, imports_of, third_party
from tests.pipeline import last_command
from tools.checkout import read_params, write_params
from tools.comparison import is_timing

SRC, STAGES = ROOT / "src", ROOT / "stages"
FILES = sorted(path for folder in (SRC, STAGES) for path in folder.rglob("*.py"))
LIBRARY = [path for path in FILES if path.is_relative_to(SRC) and path != SRC / "dlstudy" / "__init__.py"]


EXPERIMENTS = sorted(path.parent.name for path in (SRC / "dlstudy" / "experiments").glob("*/run.py"))


def run_module(experiment: str) -> str:
    return f"dlstudy.experiments.{experiment}.run"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- Layers ---

LAYERS = (  # a package imports from those above its own in this list, and from itself
    {"core"},
    {"data"},
    {"closed_form", "download", "sgd", "signals", "tuning", "vision"},
    {"evaluation", "literature"},
    {"experiments"},
    {"study"},
    {"judging"},
    {"measures"},
    {"figures", "report"},
)


def unit_of(path: Path) -> str:
    """The module or package of the library that a file belongs to."""
    return path.relative_to(SRC / "dlstudy").parts[0].removesuffix(".py")


def layer_of(unit: str) -> int:
    (layer,) = (number for number, units in enumerate(LAYERS) if unit in units)
    return layer


def test_every_module_has_its_layer():
    assert sorted(unit for units in LAYERS for unit in units) == sorted({unit_of(path) for path in LIBRARY})


def test_a_module_imports_from_lower_layers_and_its_own_package():
    upwards = [
        f"{name_of(path)} imports {name_of(imported)}"
        for path in LIBRARY
        for imported in imports_of(path)
        if not imported.is_relative_to(SRC)
        or (unit_of(imported) != unit_of(path) and layer_of(unit_of(imported)) >= layer_of(unit_of(path)))
    ]
    assert upwards == []


def test_no_experiment_imports_another():
    folder = SRC / "dlstudy" / "experiments"
    across = [
        f"{name_of(path)} imports {name_of(imported)}"
        for path in folder.rglob("*.py")
        for imported in imports_of(path)
        if imported.is_relative_to(folder) and imported.parent != path.parent
    ]
    assert across == []


def test_every_experiment_has_what_its_stage_asks_for():
    for name in EXPERIMENTS:
        run = import_module(f"dlstudy.experiments.{name}.run")
        assert issubclass(run.PARAMS, Section), name
        assert len(inspect.signature(run.load).parameters) == (name in OF_A_MODEL), name
        assert list(inspect.signature(run.run).parameters)[1:] == ["params", "seeds"], name


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


def test_torchvision_and_dask_are_imported_inside_functions_only():
    # torchvision takes seconds, and only who names a scheduler needs Dask
    assert [name_of(path) for path in FILES if {"torchvision", "distributed", "dask"} & imported_at_once(path)] == []


def test_parameters_downloads_verdicts_figures_and_reports_never_import_torch():
    names = ("check_params", "cost_report", "download", "figures", "judge", "report", "verdict_figures")
    assert [name for name in names if "torch" in third_party(closure(f"stages.{name}"))] == []


def test_verdicts_figures_and_reports_are_imported_without_torch():
    names = "stages.cost_report, stages.figures, stages.judge, stages.report, stages.verdict_figures"
    code = f"import sys, {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_only_downloads_reach_beyond_this_machine():
    network = {"urllib", "http", "socket", "subprocess", "requests"}
    modules = [f"stages.{path.stem}" for path in STAGES.glob("*.py")] + [run_module(name) for name in EXPERIMENTS]
    reaching = {module for module in modules if third_party(closure(module)) & network}
    assert reaching == {"stages.download", "stages.download_weights"}


def test_no_stage_lets_torchvision_or_torch_download_anything_for_it():
    calls = re.compile(
        r"\bget_state_dict\b|load_state_dict_from_url|download_url|download=True|get_model\([^)]*weights=(?!None)"
    )
    found = {name_of(path) for path in FILES if calls.search(path.read_text())}
    reads_its_own_file = (
        "src/dlstudy/experiments/torchvision_tour/run.py"  # in the folder where the weights API looks first
    )
    assert found == {"src/dlstudy/download/sources.py", "src/dlstudy/download/weight_files.py", reads_its_own_file}


def test_a_stage_is_a_recipe_of_at_most_fifty_lines():
    assert [path.name for path in STAGES.glob("*.py") if len(path.read_text().splitlines()) > 50] == []


# --- The imports and dvc.yaml ---

PIPELINES = ("stages/dvc.yaml", "dvc.yaml")


@cache
def pipeline() -> dict[str, tuple[str, frozenset[str], frozenset[str]]]:
    """Each stage as DVC resolves it: its module, the code that it depends on, and the files of ours that it imports.

    With an entry in every section that may be empty, so that there is a stage for it.
    """
    resolved = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in PIPELINES:
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, Path(folder) / name)
        params = read_params(ROOT)
        write_params(Path(folder), params | {"features": {"example": {"weights": "ResNet18_Weights.IMAGENET1K_V1"}}})
        Repo.init(folder, no_scm=True)
        with Repo(folder) as repo:
            for stage in [stage for name in PIPELINES for stage in repo.stage.load_all(str(Path(folder) / name))]:
                _, _, module, *arguments = last_command(stage.cmd).split()
                code = frozenset(dep.def_path for dep in stage.deps if dep.def_path.startswith(("src/", "stages/")))
                files = closure(module)
                if module == "stages.experiment":  # which imports the experiment by its name
                    files |= closure(run_module(arguments[0]))
                resolved[stage.name] = (module, code, frozenset(map(name_of, files)))
    return resolved


def covers(dependency: str, file: str) -> bool:
    """Whether a dependency is the file, or a folder that holds it."""
    return f"{file}/".startswith(f"{dependency}/")


def test_the_folders_of_a_stage_cover_every_file_that_it_imports():
    uncovered = [
        f"{stage} imports {file}"
        for stage, (_, code, imported) in pipeline().items()
        for file in sorted(imported - {NOBODYS})
        if not any(covers(dependency, file) for dependency in code)
    ]
    assert uncovered == []


def test_the_package_of_the_stages_does_nothing_but_find_the_library_and_import_its_start():
    _, *statements = ast.parse((ROOT / NOBODYS).read_text()).body  # after the docstring
    assert [ast.unparse(statement) for statement in statements] == [
        "import sys",
        "from pathlib import Path",
        "sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'src'))",
        "import dlstudy.core.base.start",
    ]


def test_no_stage_depends_on_code_of_which_it_imports_nothing():
    idle = [
        f"{stage} depends on {dependency}"
        for stage, (_, code, imported) in pipeline().items()
        for dependency in sorted(code)
        if not any(covers(dependency, file) for file in imported)
    ]
    assert idle == []


def test_files_of_the_library_that_are_not_python_stand_beside_the_module_that_reads_them():
    others = {path for path in (SRC / "dlstudy").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert others
    readers = {"families.yaml": "families.py", "published.yaml": "published.py"}
    for path in others:
        folder = next((each for each in path.parents if each.name == "templates"), None)
        reader = folder.with_name("words.py") if folder else path.with_name(readers[path.name])
        assert (folder or path).name in reader.read_text(), name_of(path)


def test_dvc_yaml_is_short():
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 350


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
        stages = [stage for name in PIPELINES for stage in repo.stage.load_all(str(ROOT / name))]
        outs = {stage.name: [out.def_path for out in stage.outs] for stage in stages}
        deps = {stage.name: [dep.def_path for dep in stage.deps] for stage in stages}
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


# --- The walk over the imports itself ---


def test_the_closure_follows_imports_of_imports_and_packages():
    found = set(map(name_of, closure("stages.train_sgd")))
    assert "stages/__init__.py" in found  # the package of the stage
    assert "src/dlstudy/core/base/arithmetic.py" in found  # which that package imports, by way of start
    assert "src/dlstudy/core/base/artifacts.py" in found  # by way of dataset
    assert "src/dlstudy/download/sources.py" not in found


# --- And these tests ---


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "host.invalid"])  # addresses and a name of nobody's
def test_a_test_that_would_use_the_network_fails(host):
    with pytest.raises(pytest.fail.Exception, match="no test may use the network"):
        socket.create_connection((host, 80), timeout=1)


def test_a_test_may_talk_to_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=10).close()
