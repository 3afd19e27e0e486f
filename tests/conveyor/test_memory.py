"""The C library's arenas: where the memory of threads comes from."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from tests.support.programs import PROJECT

needs_glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="this C library has no arenas to count"
)

PROGRAM = """
import ctypes, sys, threading
from conveyor import memory

if "limit" in sys.argv:
    memory.limit_arenas()
start = threading.Barrier(12)

def allocate():
    libc.malloc(50_000)
    start.wait()

libc = ctypes.CDLL(None)
threads = [threading.Thread(target=allocate) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def arenas(*arguments: str, **environment: str) -> int:
    """How many arenas a process with twelve threads has."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")} | environment
    command = [sys.executable, "-c", PROGRAM, *arguments]
    output = subprocess.run(command, cwd=PROJECT, env=given, capture_output=True, text=True, check=True, timeout=60)
    return output.stdout.count("<heap nr=")


@needs_glibc
def test_threads_share_two_arenas() -> None:
    assert arenas() > 2
    assert arenas("limit") == 2


@needs_glibc
def test_what_the_host_has_set_stays() -> None:
    assert arenas("limit", MALLOC_ARENA_MAX="1") == 1


def test_a_c_library_without_arenas_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from conveyor import memory

    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())

    memory.limit_arenas()
