"""Threads that are the first to decode a type at the same moment do not end the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.first_decoding import WAYS
from tests.support.programs import PROJECT


@pytest.mark.parametrize("way", list(WAYS))
def test_many_threads_decode_a_new_type_at_once(way: str) -> None:
    command = [sys.executable, "-m", "tests.support.first_decoding", way]

    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
