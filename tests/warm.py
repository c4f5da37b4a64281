"""A Python that has the large libraries in memory: what tests start by it begins at once, not seconds later.

A server imports them and forks for each program, which runs in the folder and the environment of its caller as by
`python -m` or `python -c`, and imports everything of ours by itself. Other options, and other systems than Linux (where
a fork after these imports is not safe), get the plain Python, as does whoever sets DLSTUDY_WARM to nothing: for tests
of kills and of other arithmetic, which is settled before the imports.
"""

import json
import os
import sys
from pathlib import Path

VARIABLE = "DLSTUDY_WARM"
LIBRARIES = (
    *("torch", "torchvision.models", "torchvision.transforms.v2", "torchvision.datasets", "sklearn.linear_model"),
    *("sklearn.ensemble", "sklearn.preprocessing", "scipy.stats", "scipy.linalg", "pandas", "pydantic", "ruamel.yaml"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.font_manager", "joblib", "tqdm", "jinja2"),
    *("dvc.cli", "dvc.commands.repro", "dvc.commands.experiments.run", "dvc.repo.experiments", "dvc.repo.reproduce"),
)


# --- What tests call ---


class Warm:
    """The server of this process, once it is wanted."""

    process = None

    def start(self):
        """The folder of a `python` for PATH, and the environment by which that finds the server."""
        import secrets
        import shlex
        import socket
        import subprocess
        import tempfile

        if self.process is None:
            self.name = f"dlstudy-{os.getpid()}-{secrets.token_hex(8)}"
            self.folder = Path(tempfile.mkdtemp(prefix="dlstudy-warm-"))
            (self.folder / "python").write_text(
                f'#!/bin/sh\nexec {shlex.join([sys.executable, "-IS", __file__])} "$@"\n'
            )
            (self.folder / "python").chmod(0o755)
            with socket.socket(socket.AF_UNIX) as listener:  # what connects before the imports are done waits
                listener.bind(f"\0{self.name}")
                listener.listen(100)
                command = [sys.executable, "-P", __file__, "--serve", str(listener.fileno())]
                clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
                self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env=clean, pass_fds=[listener.fileno()])
        return self.folder, self.name

    def stop(self):
        """Ends the server, which ends with its input."""
        import shutil

        if self.process is not None:
            self.process.communicate()
            self.process = None
            shutil.rmtree(self.folder)


WARM = Warm()


def python():
    """The program to start in place of sys.executable, in an environment that is `warmed`."""
    return sys.executable if sys.platform != "linux" else str(WARM.start()[0] / "python")


def warmed(environment):
    """The environment with that program first on PATH, and where it finds the server."""
    if sys.platform != "linux":
        return dict(environment)
    folder, name = WARM.start()
    return dict(environment) | {"PATH": f"{folder}{os.pathsep}{environment['PATH']}", VARIABLE: name}


def use(monkeypatch):
    """From here on in this test, sys.executable and `python` on PATH are that program."""
    program = python()
    for name, value in warmed(os.environ).items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "executable", program)


# --- The server, in a process of its own ---


def serve(listener):
    """Run what is asked for until the input ends, as it does with the process of the tests."""
    import gc
    import select
    import signal
    import socket
    from contextlib import suppress
    from importlib import import_module

    for name in LIBRARIES:
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the tests, not before them
    listener = socket.socket(fileno=listener)
    while 0 not in select.select([0, listener], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            look_after(connection)
            return
        connection.close()
        with suppress(ChildProcessError):  # those that have ended
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def look_after(connection):
    """Run the program in a process of its own, and tell the caller how it ended; it ends with the caller."""
    import select
    import signal
    import socket

    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    asked = json.loads(connection.makefile().readline())
    child = os.fork()
    if child == 0:
        connection.close()
        leave(become(files, **asked))
    ended = os.pidfd_open(child)
    if connection in select.select([ended, connection], [], [])[0]:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(str(status if status >= 0 else 128 - status).encode())
    os._exit(0)


def become(files, folder, environment, arguments):
    """Do what `python *arguments` does in this folder and environment, with these three files; its exit status."""
    import importlib
    import runpy
    import signal
    import types

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    option, what, *rest = arguments
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[0:0] = [folder, *filter(None, paths)]
    sys.orig_argv, sys.argv = [sys.executable, *arguments], [option, *rest]
    if any(Path(path, "sitecustomize.py").exists() for path in paths):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        if option == "-m":
            runpy._run_module_as_main(what)
        else:
            exec(compile(what, "<string>", "exec"), vars(sys.modules["__main__"]))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def leave(status):
    """End as Python does, without taking down the libraries, which would take longer than most programs."""
    import atexit
    import threading

    threading._shutdown()  # waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


# --- The program on PATH ---


def main(arguments):
    import socket

    name = os.environ.get(VARIABLE)
    if not name or arguments[:1] not in (["-m"], ["-c"]):
        os.execv(sys.executable, [sys.executable, *arguments])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"\0{name}")
        socket.send_fds(connection, [b" "], [0, 1, 2])
        asked = {"folder": str(Path.cwd()), "environment": dict(os.environ), "arguments": arguments}
        connection.sendall(f"{json.dumps(asked)}\n".encode())
        return int(connection.recv(16) or 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        sys.exit(main(sys.argv[1:]))
