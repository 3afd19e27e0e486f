"""How the C library keeps memory that Python has freed."""

import ctypes
import os

_M_ARENA_MAX = -8  # malloc.h of glibc
_ARENAS = 2


def limit_arenas() -> None:
    """Let all threads of this process, and of its children, share two arenas of glibc's malloc.

    By default each new thread may get an arena of its own, up to eight for each processor, and what a thread has freed
    stays in its arena. Each call to DigitalOcean has a thread of its own, so a process would grow with every peak. Does
    nothing where the C library has no arenas, or where the host has set MALLOC_ARENA_MAX.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _ARENAS)
