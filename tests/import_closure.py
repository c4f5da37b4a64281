"""Which files of the repository a module imports, directly or not; from the source text, nothing is run."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOBODYS = "stages/__init__.py"  # no stage depends on it: test_architecture.py sees to that
PACKAGES = {"dlstudy": ROOT / "src" / "dlstudy", "stages": ROOT / "stages", "tools": ROOT / "tools"}


@cache
def file_of(module: str) -> Path | None:
    """The file of a module of ours, None for anybody else's (or for a name inside a module)."""
    package, *rest = module.split(".")
    if package not in PACKAGES:
        return None
    path = PACKAGES[package].joinpath(*rest)
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


@cache
def is_empty(file: Path) -> bool:
    """Whether a module holds nothing but a docstring."""
    body = ast.parse(file.read_text()).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


@cache
def imported_names(file: Path) -> frozenset[str]:
    """Every dotted name imported anywhere in the file, inside functions too; `from a import b` is a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


@cache
def imports_of(file: Path) -> frozenset[Path]:
    """The files of ours that a file imports directly, packages on the way included where they hold code."""
    files = set()
    for name in imported_names(file):
        parts = name.split(".")
        prefixes = (".".join(parts[: end + 1]) for end in range(len(parts)))
        files |= {found for prefix in prefixes if (found := file_of(prefix)) and not is_empty(found)}
    return frozenset(files - {file})


def closure(module: str) -> set[Path]:
    """The file of a module, its package's, and all that they import."""
    packages = [".".join(module.split(".")[: end + 1]) for end in range(module.count(".") + 1)]
    todo = [file for name in packages if (file := file_of(name)) and not is_empty(file)]
    seen: set[Path] = set()
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo.extend(imports_of(file))
    return seen


def third_party(files: set[Path]) -> set[str]:
    """The top-level names that the files import and that are not ours."""
    return {name.split(".")[0] for file in files for name in imported_names(file)} - set(PACKAGES)
