"""Room for the Python frames of a request, in one piece.

CPython (seen in 3.11, 3.12 and 3.13) keeps the frames of Python functions in chunks of 16 kB: a call that does not fit
maps another one, and its return unmaps that again. A loop that happens to call across such a boundary does so in every
round. The fleet's page did 2,388 times, which took 20 of its 55 ms (`strace -f -c -p` of a gunicorn worker), and
whether it does depends on how deep it happens to be called: one middleware more or less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_WORDS = 33_000
"""Of eight bytes, that the frame of `in_one_piece` claims. CPython doubles a chunk until the frame fits: to 512 kB, of
which the other half is for all that is called from it. What is claimed and not touched takes no memory."""


def in_one_piece(call: Callable[P, T]) -> Callable[P, T]:
    """The same callable, from which calls up to about 256 kB of frames deep cross no boundary."""

    def roomy(*args: P.args, **kwargs: P.kwargs) -> T:
        return call(*args, **kwargs)

    roomy.__code__ = roomy.__code__.replace(co_stacksize=_WORDS)
    return roomy
