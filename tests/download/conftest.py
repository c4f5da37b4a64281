import socket
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def stall_after() -> Iterator[Callable[[float], None]]:
    """Call it with the seconds after which a child process would give up a silent connection."""
    yield socket.setdefaulttimeout
    socket.setdefaulttimeout(None)
