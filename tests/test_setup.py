"""The set-up: the lock, where torch comes from, the virtual environment, the Makefile.

Nothing here reaches the network: packages are tiny wheels written by the tests, indexes are folders or a
server on this machine, and Debian's programs are stand-ins.
"""

import ast
import http.server
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import venv
import zipfile
from functools import partial
from pathlib import Path

import pip
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import warm
from tools import setup_env
from tools.setup_env import SetupError

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.txt"
PINS = {"torch": "2.14.1", "torchvision": "0.29.1"}
NOBODY = "http://127.0.0.1:9"  # the discard port: connections are refused at once
TARGETS = [
    "help",
    "setup",
    "repro",
    "judge",
    "reproduce",
    "compare",
    "sweep",
    "smoke",
    "test",
    "faults",
    "check",
    "schema",
    "readme",
    "bench",
    "lock",
    "clean",
]
CUDA_ONLY = re.compile(r"nvidia-|cuda-|triton$")


@pytest.fixture(autouse=True)
def neutral_environment(monkeypatch):
    """No configuration of pip, make or proxies from outside: what a test sets is all there is."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "MAKE", "MFLAGS", "DLSTUDY_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


# --- The lock ---


def lock_lines():
    return [line for line in LOCK.read_text().splitlines() if line and not line.lstrip().startswith("#")]


def locked_names():
    return [canonicalize_name(Requirement(line).name) for line in lock_lines()]


def requested():
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def test_lock_pins_every_package_once_and_exactly():
    for line in lock_lines():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; .+)?", line), line
    assert len(locked_names()) == len(set(locked_names()))


@pytest.mark.parametrize("name", ["numpy", "scipy", "pandas", "matplotlib", "torch", "torchvision"])
def test_packages_that_make_the_numbers_are_the_same_for_every_python_and_platform(name):
    (line,) = [line for line in lock_lines() if line.startswith(f"{name}==")]
    assert ";" not in line


def test_lock_pins_the_torch_pair_that_was_asked_for():
    assert setup_env.torch_pins(LOCK) == PINS


def test_lock_holds_what_requirements_in_names_at_a_version_it_allows():
    pins = {canonicalize_name(r.name): next(iter(r.specifier)).version for r in map(Requirement, lock_lines())}
    for wanted in requested():
        assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)]), wanted


def test_lock_leaves_out_what_only_the_cuda_build_needs():
    assert not [name for name in locked_names() if CUDA_ONLY.match(name)]


def test_lock_names_no_host_and_no_path():
    assert not re.findall(r"://|--\S*(?:url|find-links)|(?:^|\s)/\w+", LOCK.read_text())


def test_lock_holds_whatever_the_installed_packages_depend_on():
    """Independent of the resolver: it follows the metadata of what is installed for this platform."""
    found, seen = [(wanted.name, frozenset(wanted.extras)) for wanted in requested()], set()
    while found:
        name, extras = package = found.pop()
        if package in seen or CUDA_ONLY.match(canonicalize_name(name)):
            continue
        seen.add(package)
        assert canonicalize_name(name) in locked_names(), name
        found += dependencies(name, extras)
    assert len(seen) > len(requested())


def dependencies(name, extras):
    environments = [{**default_environment(), "extra": extra} for extra in ("", *extras)]
    needs = map(Requirement, importlib.metadata.requires(name) or [])
    return [
        (need.name, frozenset(need.extras))
        for need in needs
        if need.marker is None or any(need.marker.evaluate(environment) for environment in environments)
    ]


def test_a_lock_without_torch_is_refused_by_name(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("torch==2.14.1\nnumpy==2.4.6\n")
    with pytest.raises(SetupError, match=r"requirements\.txt: expected a line torchvision==VERSION, found none"):
        setup_env.torch_pins(lock)


# --- Packages to install ---


def write_wheel(folder, name, version, *, tag="py3-none-any", needs="", files=None):
    """A wheel that pip installs: a package that knows its version, and `files` (path: text)."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    content = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        **(files or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    rows = [f"{path},,{len(text)}\n" for path, text in content.items()]
    content[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"])
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return wheel


def write_pair(folder, build="+cpu", **options):
    for name, version in PINS.items():
        write_wheel(folder, name, version + build, **options)
    return folder


def write_index(folder, wheels):
    """A package index of the simple kind (PEP 503) over a folder of wheels."""
    for name in PINS:
        page = folder / name / "index.html"
        page.parent.mkdir(parents=True)
        links = []
        for wheel in sorted(wheels.glob(f"{name}-*.whl")):
            shutil.copy(wheel, page.parent)
            links.append(f'<a href="{wheel.name.replace("+", "%2B")}">{wheel.name}</a><br>')
        page.write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")
    return folder


def bare_venv(folder):
    """The python of a new environment, whose pip is a link to ours, which is quicker than another copy."""
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "pip").symlink_to(Path(pip.__file__).parent)
    return folder / "bin" / "python"


def installed(python):
    code = "import torch, torchvision; print(torch.__version__, torchvision.__version__)"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.split()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class SlowHandler(QuietHandler):
    def do_GET(self):
        time.sleep(2)  # well past the time-out of the test, which does not wait for it
        self.send_error(503)


@pytest.fixture
def serve():
    """A function that serves a folder on this machine and gives the address."""
    servers = []

    def start(folder, handler=QuietHandler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder))
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


# --- Where torch comes from ---


def test_auto_takes_the_cpu_index_when_it_answers(serve, tmp_path):
    address = serve(write_index(tmp_path / "index", write_pair(tmp_path / "wheels")))
    assert setup_env.choose_source("auto", "Linux", address).settings["PIP_INDEX_URL"] == address


@pytest.mark.parametrize("request_", ["auto", "pypi"])
def test_pypi_is_plain_pip_so_that_its_users_configuration_holds(request_):
    source = setup_env.choose_source(request_, "Linux", NOBODY)
    assert source.settings == {}
    assert "3 GB" in source.size


def test_auto_says_why_the_cpu_index_is_not_taken():
    assert "refused" in setup_env.choose_source("auto", "Linux", NOBODY).reason


def test_auto_asks_no_index_on_macos(monkeypatch):
    monkeypatch.setattr(setup_env, "probe", lambda index: pytest.fail(f"asked {index}"))
    source = setup_env.choose_source("auto", "Darwin")
    assert (source.name, source.settings) == ("PyPI", {})


def test_cpu_is_an_error_when_the_index_does_not_answer():
    with pytest.raises(SetupError, match=r"expected .*127\.0\.0\.1:9 to answer, found: .*refused.*TORCH=pypi"):
        setup_env.choose_source("cpu", "Linux", NOBODY)


def test_an_index_without_a_page_for_torch_does_not_answer(serve, tmp_path):
    assert "404" in setup_env.probe(serve(tmp_path))


def test_a_slow_index_does_not_answer(serve, tmp_path):
    assert setup_env.probe(serve(tmp_path, SlowHandler), seconds=0.3)


def test_a_wedged_name_server_does_not_hold_up_the_choice(monkeypatch):
    def wedged(url, seconds):  # urlopen's time-out begins after the name has been looked up
        time.sleep(2)
        return "looked up at last"

    monkeypatch.setattr(setup_env, "ask", wedged)
    assert setup_env.probe(NOBODY, seconds=0.1) == "no answer within 0.1 s"


@pytest.mark.parametrize("request_", ["gpu", "no/such/folder", "."])
def test_an_unknown_request_is_an_error_that_lists_the_known_ones(request_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=rf"expected auto, cpu, pypi, .* found '{re.escape(request_)}'"):
        setup_env.choose_source(request_, "Linux")


def test_a_password_in_the_address_is_not_shown():
    source = setup_env.choose_source("https://me:secret@example.org/simple", "Linux")
    assert source.name == "https://example.org/simple"
    assert source.settings["PIP_INDEX_URL"] == "https://me:secret@example.org/simple"


@pytest.mark.parametrize("kind", ["flat folder", "index folder", "file URL"])
def test_torch_is_installed_from_the_folder_named_and_from_nowhere_else(kind, tmp_path, monkeypatch):
    # What torch needs is the lock's to bring: an index of torch need not hold it.
    folder = write_pair(tmp_path / "some wheels", needs="Requires-Dist: filelock\n")
    if kind != "flat folder":
        folder = write_index(tmp_path / "an index", folder)
    # Of two builds of one version pip takes the later in the alphabet: these, if they were looked at.
    users = write_pair(tmp_path / "users", build="+zzz")
    monkeypatch.setenv("PIP_FIND_LINKS", users.as_uri())
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", write_index(tmp_path / "users index", users).as_uri())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    python = bare_venv(tmp_path / "env")
    request = folder.as_uri() if kind == "file URL" else str(folder)
    setup_env.install_torch(python, LOCK, request, "Linux")
    assert installed(python) == ["2.14.1+cpu", "0.29.1+cpu"]
    assert setup_env.is_installed(python, PINS)
    assert not setup_env.is_installed(python, {**PINS, "torch": "2.14.2"})


@pytest.mark.parametrize("request_", ["auto", "cpu"])
def test_only_auto_takes_pypi_when_the_cpu_index_lacks_the_pair(request_, serve, tmp_path, monkeypatch, capsys):
    other_platform = write_pair(tmp_path / "wheels", tag="cp311-cp311-win_amd64")
    address = serve(write_index(tmp_path / "index", other_platform))
    monkeypatch.setattr(setup_env.choose_source, "__defaults__", (address,))
    # The user's configuration stands for PyPI.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", write_pair(tmp_path / "users", build="").as_uri())
    python = bare_venv(tmp_path / "env")
    if request_ == "cpu":
        with pytest.raises(SetupError, match=r"No matching distribution found for torch==2\.14\.1"):
            setup_env.install_torch(python, LOCK, request_, "Linux")
        return
    setup_env.install_torch(python, LOCK, request_, "Linux")
    assert installed(python) == ["2.14.1", "0.29.1"]
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"setup: taking torch and torchvision from {address} (it answers")
    assert "from PyPI" in second
    assert "did not deliver: ERROR: No matching distribution found for torch==2.14.1" in second


# --- The virtual environment ---


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 15, 0)])
def test_another_python_is_refused_with_what_was_found_and_how_to_name_one(version):
    found = ".".join(map(str, version))
    with pytest.raises(SetupError, match=r"expected Python 3\.11 to 3\.14, found ") as refusal:
        setup_env.check_python(version, "/bin/pythonX")
    assert f"found {found} (/bin/pythonX)" in str(refusal.value)
    assert "make setup PYTHON=python3.12" in str(refusal.value)


def test_the_python_that_runs_this_is_accepted():
    setup_env.check_python(sys.version_info[:3], sys.executable)


def test_an_old_python_reads_the_program_far_enough_to_be_refused():
    """Annotations, the one thing newer than 3.7, are not evaluated."""
    tree = ast.parse((ROOT / "tools" / "setup_env.py").read_text(), feature_version=(3, 7))
    assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)


PIP_MAIN = """
import pathlib, sys, sysconfig, zipfile
assert sys.argv[1] == "install" and "--no-index" in sys.argv
zipfile.ZipFile(sys.argv[-1]).extractall(sysconfig.get_path("purelib"))
"""
VENV_WITHOUT_ENSUREPIP = """
case " $* " in
    *" --without-pip "*) ;;
    *" venv "*) echo "ensurepip is not available"; exit 1 ;;
esac
exec "$REAL_PYTHON" "$@"
"""
APT_GET = """
echo "$*" >> "$CALLS"
case " $* " in
    *" update "*) touch "$CALLS.lists" ;;
    *" download python3-pip-whl "*)
        [ "$LISTS" = there ] || [ -e "$CALLS.lists" ] || { echo "E: Unable to locate package" >&2; exit 100; }
        : > python3-pip-whl_23_all.deb ;;
esac
"""
DPKG_DEB = """
[ "$1" = -x ] && [ -e "$2" ] || exit 2
mkdir -p "$3/usr/share/python-wheels"
cp "$PIP_WHEEL" "$3/usr/share/python-wheels"
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that puts a stand-in for a program first on PATH and gives its path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write(name, script):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o755)
        return str(path)

    return write


@pytest.fixture
def python_without_ensurepip(program, tmp_path, monkeypatch):
    """An interpreter whose venv module works only --without-pip, on a Debian that has pip to offer."""
    monkeypatch.setenv("REAL_PYTHON", getattr(sys, "_base_executable", sys.executable))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    wheel = write_wheel(tmp_path / "debian", "pip", "23.0", files={"pip/__main__.py": PIP_MAIN})
    monkeypatch.setenv("PIP_WHEEL", str(wheel))
    program("dpkg-deb", DPKG_DEB)
    program("apt-get", APT_GET)
    return program("python-without-ensurepip", VENV_WITHOUT_ENSUREPIP)


@pytest.mark.parametrize(("lists", "num_calls"), [("there", 1), ("absent", 3)])
def test_without_ensurepip_pip_comes_from_debians_package(
    lists, num_calls, python_without_ensurepip, tmp_path, monkeypatch
):
    monkeypatch.setenv("LISTS", lists)
    setup_env.make_venv(python_without_ensurepip, tmp_path / "with space" / ".venv")
    python = tmp_path / "with space" / ".venv" / "bin" / "python"
    assert setup_env.find_fault(python) == ""  # imports pip, among other things
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == num_calls
    # Root is not needed: caches are private, and so are package lists where new ones have to be fetched.
    assert all("Dir::Cache=" in call for call in calls)
    assert all("Dir::State=" in call for call in calls[1:])


@pytest.mark.parametrize("apt_get", ["echo 'E: no network' >&2\nexit 100\n", None])
def test_without_ensurepip_and_debians_package_the_error_names_the_remedy(
    apt_get, python_without_ensurepip, program, tmp_path, monkeypatch
):
    if apt_get:
        program("apt-get", apt_get)
    else:
        monkeypatch.setenv("PATH", str(tmp_path))  # a system that is not Debian
    with pytest.raises(SetupError) as failure:
        setup_env.make_venv(python_without_ensurepip, tmp_path / ".venv")
    message = str(failure.value)
    assert "ensurepip is not available" in message
    assert ("E: no network" if apt_get else "expected apt-get on PATH, found none") in message
    assert "sudo apt-get install python3-venv" in message


def test_faults_of_an_environment_are_found(tmp_path, program):
    python = bare_venv(tmp_path / "env")
    setup_env.install_torch(python, LOCK, str(write_pair(tmp_path / "wheels")), "Linux")
    assert setup_env.find_fault(python) == ""
    (module,) = (tmp_path / "env").glob("lib/python*/site-packages/torch/__init__.py")
    (module.parents[1] / "old.egg-info").mkdir()  # as older versions of pip leave it, without a list of files
    (module.parents[1] / "old.egg-info" / "PKG-INFO").write_text("Name: old\nVersion: 1.0\n")
    assert setup_env.find_fault(python) == ""
    whole = module.read_text()
    module.write_text(f"{whole}# as somebody appends a certificate to certifi's\n")
    assert setup_env.find_fault(python) == ""
    module.write_text(whole[:-1])
    assert setup_env.find_fault(python) == "torch: torch/__init__.py is missing or cut short"
    module.unlink()
    assert setup_env.find_fault(python) == "torch: torch/__init__.py is missing or cut short"
    assert "does not run" in setup_env.find_fault(Path(program("python", "exit 1\n")))
    assert setup_env.find_fault(Path(program("python", "echo '(3, 9)'\n"))) == "its Python is 3.9"


def test_a_broken_environment_is_made_anew_and_a_whole_one_kept(tmp_path, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(setup_env, "make_venv", lambda interpreter, folder: made.append(folder))
    python = bare_venv(tmp_path / "env")
    assert setup_env.ready_venv(tmp_path / "env") == python
    assert made == []
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (packages / "pip").unlink()
    setup_env.ready_venv(tmp_path / "env")
    assert made == [tmp_path / "env"]
    assert "broken, starting it afresh (ModuleNotFoundError: No module named 'pip')" in capsys.readouterr().out


# --- The whole set-up, by way of make ---

TELLING_DVC = """
import os, shutil, sys
print("dvc", *sys.argv[1:], "with", shutil.which("python"))
if "config" in sys.argv:
    open(".dvc/config.local", "w").write(" ".join(sys.argv[2:]))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An unpacked archive of a project, in a folder with a space; pip knows where its tiny packages are."""
    folder = tmp_path / "with space"
    for name in ("Makefile", "tools/setup_env.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "requirements.txt").write_text("torch==2.14.1\ntorchvision==0.29.1\ndvc==1.0\n")
    (folder / ".dvc").mkdir()
    (folder / "stages").mkdir()
    (folder / "stages" / "check_params.py").write_text("print('params are checked')\n")
    write_wheel(tmp_path / "users", "dvc", "1.0", files={"dvc/__main__.py": TELLING_DVC})
    write_pair(tmp_path / "torch wheels")
    bare_venv(folder / ".venv")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", (tmp_path / "users").as_uri())
    return folder


def make(folder, *arguments):
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_make_sets_up_a_project_and_runs_its_programs(project, tmp_path):
    done = make(project, "repro", f"TORCH={tmp_path / 'torch wheels'}", "ARGS=train -f")
    assert done.returncode == 0, done.stderr
    assert "params are checked\n" in done.stdout
    # The project's own python comes first on PATH for what dvc starts.
    assert f"dvc --wait-for-lock repro train -f with {project}/.venv/bin/python\n" in done.stdout
    stamp = project / ".venv" / ".installed"
    assert re.match(
        r"\.venv holds Python 3\.\d+\.\d+, torch 2\.14\.1\+cpu, torchvision 0\.29\.1\+cpu", stamp.read_text()
    )
    # There is no Git repository here, and dvc has been told.
    assert (project / ".dvc" / "config.local").read_text() == "--local core.no_scm true"
    # Nothing is set up twice.
    again = make(project, "setup")
    assert (again.returncode, again.stdout) == (0, stamp.read_text())


def test_a_set_up_that_failed_leaves_no_stamp_and_is_taken_up_again(project, tmp_path):
    lock, stamp = project / "requirements.txt", project / ".venv" / ".installed"
    complete = lock.read_text()
    stamp.write_text("an earlier set-up")
    os.utime(stamp, (0, 0))
    lock.write_text(complete + "absent==3.0\n")
    torch = f"TORCH={tmp_path / 'torch wheels'}"
    failed = make(project, "setup", torch)
    assert failed.returncode != 0
    assert "No matching distribution found for absent==3.0" in failed.stderr
    assert not stamp.exists()
    lock.write_text(complete)
    taken_up = make(project, "setup", torch)
    assert taken_up.returncode == 0, taken_up.stderr
    assert "torch and torchvision are there already" in taken_up.stdout
    assert stamp.read_text() in taken_up.stdout


def test_an_installed_torch_of_another_version_is_reported(tmp_path):
    python = bare_venv(tmp_path / "env")
    setup_env.install_torch(python, LOCK, str(write_pair(tmp_path / "wheels")), "Linux")
    with pytest.raises(SetupError, match=r"expected torch 2\.99, .* found 2\.14\.1\+cpu"):
        setup_env.summarise(python, {**PINS, "torch": "2.99"})


def git_init(folder, ignored=""):
    folder.mkdir(exist_ok=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    (folder / ".gitignore").write_text(ignored)


def without_git(root):
    """Whether DVC has been told to do without Git, by its own account."""
    command = [sys.executable, "-m", "dvc", "config", "--local", "core.no_scm"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.strip() == "true"


def test_dvc_does_without_git_until_there_is_a_repository(tmp_path, capsys, monkeypatch):
    warm.use(monkeypatch)
    (tmp_path / ".dvc").mkdir()
    setup_env.adapt_dvc(tmp_path, Path(sys.executable))
    assert "no Git repository here" in capsys.readouterr().out
    assert without_git(tmp_path)
    git_init(tmp_path)  # an archive that was put under version control later
    setup_env.adapt_dvc(tmp_path, Path(sys.executable))
    assert "there is a Git repository now" in capsys.readouterr().out
    assert not without_git(tmp_path)
    setup_env.adapt_dvc(tmp_path, Path(sys.executable))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("ignored", "reason"), [("*\n", "the Git repository {} ignores this folder"), ("", "")])
def test_a_repository_around_the_checkout_is_used_unless_it_ignores_it(ignored, reason, tmp_path):
    git_init(tmp_path, ignored)
    (tmp_path / "study").mkdir()
    assert setup_env.reason_without_git(tmp_path / "study") == reason.format(tmp_path)


@pytest.mark.parametrize("name", ["moved", "moved to a path with spaces"])
def test_an_environment_that_was_moved_works_again(name, tmp_path, capsys):
    bare_venv(tmp_path / "old" / ".venv")
    shebang = f"#!{tmp_path}/old/.venv/bin/python3\n"
    script = tmp_path / "old/.venv/bin/tool"
    script.write_text(shebang + "import sys\nprint(sys.prefix)\n")
    script.chmod(0o755)
    moved = (tmp_path / "old").rename(tmp_path / name) / ".venv"
    setup_env.relocate(moved)
    assert f".venv was made in {tmp_path}/old/.venv" in capsys.readouterr().out
    activated = f"source '{moved}/bin/activate' && tool"
    done = subprocess.run(["bash", "-c", activated], capture_output=True, text=True, check=True)
    assert done.stdout == f"{moved}\n"
    setup_env.relocate(moved)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("change", "runs"), [("moved", True), ("git init", True), ("nothing", False)])
def test_make_sets_up_again_after_what_a_set_up_depends_on(change, runs, project):
    stamp = project / ".venv" / ".installed"
    stamp.write_text("done")
    future = time.time() + 5
    os.utime(stamp, (future, future))
    if change == "moved":
        project = project.rename(project.parent / "elsewhere")
    elif change == "git init":
        git_init(project)
        os.utime(project / ".git/description", (future + 5, future + 5))
    assert ("tools/setup_env.py" in make(project, "--dry-run", "setup").stdout) == runs


# --- The Makefile and continuous integration ---


def test_plain_make_lists_every_target():
    listed = re.findall(r"^  ([a-z]+)  +\S", make(ROOT).stdout, re.MULTILINE)
    assert listed == TARGETS


def test_targets_set_up_first(project):
    first = {target: make(project, "--dry-run", target).stdout.splitlines()[0] for target in TARGETS}
    assert {target for target, line in first.items() if "tools/setup_env.py" not in line} == {"help", "clean"}


def test_clean_spares_data_and_environment(project):
    kept = [project / "data" / "__pycache__" / "x", project / ".venv" / "lib" / "__pycache__" / "x"]
    gone = [project / "tools" / "__pycache__" / "x", project / ".mypy_cache" / "x"]
    for file in [*kept, *gone]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert make(project, "clean").returncode == 0
    assert all(file.exists() for file in kept)
    assert not any(file.parent.exists() for file in gone)


@pytest.mark.parametrize(("tests", "expected"), [("pass", ["test", "check"]), ("fail", ["test"])])
def test_continuous_integration_tests_then_checks(tests, expected, program, tmp_path, monkeypatch):
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    program("make", f'echo "$1" >> "$CALLS"\n[ "$1 {tests}" != "test fail" ]\n')
    done = subprocess.run([ROOT / ".ci" / "run"], cwd=tmp_path, check=False)
    assert (tmp_path / "calls").read_text().split() == expected
    assert (done.returncode == 0) == (tests == "pass")
