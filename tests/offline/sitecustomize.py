"""What tests want of processes that they start, and of those that these start: Python runs this module at its start.

No connection leaves this machine: every attempt is refused, and noted with the command that made it in the file that
DLSTUDY_NETWORK_LOG names. And files that a stage opens for reading are noted, one file for each process, in the folder
that DLSTUDY_READ_LOG names.
"""

import ipaddress
import os
import socket
import sys
from pathlib import Path


def is_loopback(host):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_others(host):
    if not is_loopback(host):
        with Path(os.environ["DLSTUDY_NETWORK_LOG"]).open("a", encoding="utf-8") as log:
            log.write(f"{' '.join(sys.orig_argv)}: {host!r}\n")
        raise PermissionError(f"no stage may use the network: {host!r}")


def guarded(original):
    def connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse_others(address[0])
        return original(self, address)

    return connect


def guard():
    look_up = socket.getaddrinfo

    def guarded_look_up(host, *args, **kwargs):
        refuse_others(host)
        return look_up(host, *args, **kwargs)

    socket.socket.connect = guarded(socket.socket.connect)
    socket.socket.connect_ex = guarded(socket.socket.connect_ex)
    socket.getaddrinfo = guarded_look_up


def note_reads(folder):
    """Note the stage's command, then each file that this process opens for reading, a line each."""
    arguments = sys.orig_argv
    if "-m" in arguments and arguments[arguments.index("-m") + 1].startswith("stages."):
        os.environ["DLSTUDY_STAGE"] = " ".join(arguments[arguments.index("-m") :])  # its own processes find it there
    stage = os.environ.get("DLSTUDY_STAGE")
    if not stage:
        return
    log = os.open(Path(folder) / f"{os.getpid()}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(log, f"{stage}\n".encode())
    seen = set()

    def note(event, details):
        if event != "open" or not isinstance(details[0], str | bytes) or (details[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            return
        path = Path.cwd() / os.fsdecode(details[0])  # not resolved: that would open links
        if path not in seen:
            seen.add(path)
            os.write(log, f"{path}\n".encode())

    sys.addaudithook(note)


guard()
if os.environ.get("DLSTUDY_READ_LOG"):
    note_reads(os.environ["DLSTUDY_READ_LOG"])
