"""No connection leaves this machine: Python runs a module of this name when it starts, if the module path leads to it.

For tests that start other processes, and those yet others, where no fixture reaches. Every attempt is refused, and
noted with the command that made it in the file that DLSTUDY_NETWORK_LOG names.
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


guard()
