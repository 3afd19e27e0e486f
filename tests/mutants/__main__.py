"""`make mutants`: put each mistake of `tests.mutants.mutations` into a copy of the project, and run its tests.

Prints the mistakes that no test has noticed. Exit code: 0 all were noticed, 1 some were not, 2 a mistake no longer fits
the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from time import monotonic

from tests.mutants.mutations import MUTATIONS, Mutation

PROJECT = Path(__file__).resolve().parents[2]
AT_ONCE = os.cpu_count() or 1
TIMEOUT = 300
"""Seconds for the tests of one mistake: one that makes them wait for ever is noticed as well."""


def main() -> int:
    wanted = [mutation for mutation in MUTATIONS if all(word in mutation.name for word in sys.argv[1:])]
    unfit = [mutation for mutation in wanted if (PROJECT / mutation.file).read_text().count(mutation.old) != 1]
    for mutation in unfit:
        print(f"does not fit the code: {mutation.name} ({mutation.file})")
    if unfit:
        return 2
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="conveyor-mutants-") as directory:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(_copy(Path(directory) / str(number)))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            noticed = list(pool.map(lambda mutation: _is_noticed(mutation, copies), wanted))
    survivors = [mutation for mutation, seen in zip(wanted, noticed, strict=True) if not seen]
    for mutation in survivors:
        print(f"NOT NOTICED: {mutation.name} ({mutation.file})")
    print(f"{len(wanted) - len(survivors)} of {len(wanted)} mistakes noticed in {monotonic() - began:.0f} s")
    return 1 if survivors else 0


def _copy(directory: Path) -> Path:
    """The files that git knows, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, directory / name)
    return directory


def _is_noticed(mutation: Mutation, copies: SimpleQueue[Path]) -> bool:
    copy = copies.get()
    file = copy / mutation.file
    right = file.read_text()
    try:
        file.write_text(right.replace(mutation.old, mutation.new))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutation.tests]
        try:
            run = subprocess.run(
                command, cwd=copy, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return True
        # 1 is pytest's "some tests failed"; anything else means that they did not run at all.
        if run.returncode not in (0, 1):
            raise SystemExit(f"{mutation.name}: the tests did not run\n{run.stdout}{run.stderr}")
        print("." if run.returncode else "S", end="", flush=True)
        return run.returncode == 1
    finally:
        file.write_text(right)
        copies.put(copy)


if __name__ == "__main__":
    sys.exit(main())
