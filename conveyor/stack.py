"""Memory for the Python frames of a request in one piece. A workaround for CPython's gh-142183.

CPython 3.11 and 3.12, and 3.13 and 3.14 before March 2026, keep the frames of Python functions in chunks of 16 kB. A
call that does not fit maps another chunk, and its return unmaps it again. A loop that calls across such a boundary does
so in every round. The fleet page did 2,388 times, which took 20 of its 55 ms (`strace -f -c -p` of a gunicorn worker).
Whether it does depends on the depth of the stack: one middleware more or less.

CPython now keeps one chunk for reuse (https://github.com/python/cpython/issues/142183, backported to 3.13). Delete this
file and its test when Conveyor needs a Python that has the fix; until then the test shows the loss.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_WORDS = 33_000
"""Size of `in_one_piece`'s own frame, in words of eight bytes. CPython doubles the chunk until the frame fits: 512 kB.
The other half is for the frames of everything that it calls. Pages that are never touched take no memory."""


def in_one_piece(call: Callable[P, T]) -> Callable[P, T]:
    """Return the same callable. Calls from it do not cross a boundary in their first 256 kB of frames or so."""

    def roomy(*args: P.args, **kwargs: P.kwargs) -> T:
        return call(*args, **kwargs)

    roomy.__code__ = roomy.__code__.replace(co_stacksize=_WORDS)
    return roomy
