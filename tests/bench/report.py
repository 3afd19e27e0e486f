"""The table of a run, for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.environment import SEED
from tests.bench.results import Result
from tests.support.programs import PROJECT

DOCUMENT = PROJECT / "docs" / "benchmarks.md"
PACKAGES = ("Django", "gunicorn", "requests", "msgspec", "aiohttp", "python-digitalocean", "pydo")
HEADS = ("Benchmark", "Bound", "Result", "Rounds", "Verdict", "Medians")

BEGINNING = """\
# Benchmarks

`make bench` measures these and writes this file. Each line has a bound; if one is missed, the run fails. All runs are
on one machine, over loopback, against the sandbox in a process of its own. What is compared takes turns in the same
run. The bounds are for ratios of medians, because times depend on the machine. "Rounds" shows the smallest and the
largest ratio of a single round. `make bench M=warm` runs one benchmark, `make bench PROFILE=1` shows what takes the
time of a page.
"""


@dataclass(frozen=True)
class Section:
    """One benchmark: its name, how it is done (Markdown), and its lines of the table."""

    name: str
    how: str
    results: list[Result]


def table(results: Sequence[Result]) -> str:
    """A Markdown table of results."""
    return aligned([HEADS, *((r.what, r.bound, r.found, r.spread, r.verdict, r.basis) for r in results)])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, aligned so that it is readable in a terminal too. The first row is its head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([lines[0], _line("-" * width for width in widths), *lines[1:]])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(sections: Sequence[Section], *, load: float) -> Path:
    """Write docs/benchmarks.md. Returns its path, relative to the project."""
    parts = [
        BEGINNING,
        table([result for section in sections for result in section.results]),
        machine("make bench", load),
    ]
    for section in sections:
        parts.append(f"## make bench M={section.name}\n\n{section.how}")
    DOCUMENT.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    return DOCUMENT.relative_to(PROJECT)


def machine(command: str, load: float) -> str:
    """Date, machine and versions. `load`: the load average before the run."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES), *_redis()]
    return "\n".join(
        (
            f"- {datetime.now(UTC):%-d %B %Y}, `{command}`, sandbox with seed {SEED}",
            f"- {_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}; "
            f"load average {load:.1f} before",
            f"- {', '.join(versions)}",
        )
    )


def _processor() -> str:
    """The processor's model. On Linux only /proc/cpuinfo has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _redis() -> list[str]:
    program = shutil.which("redis-server")
    if not program:
        return []
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return [f"Redis {word.removeprefix('v=')}" for word in output.split() if word.startswith("v=")]
