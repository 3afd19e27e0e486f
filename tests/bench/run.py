"""One run: each benchmark, the table on standard output, and the document after a complete run."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tqdm import tqdm

from tests.bench import by_workers, report
from tests.bench.environment import BY_WORKERS, MEASURES
from tests.bench.report import Section
from tests.bench.results import Result
from tests.bench.stage import Incomplete, Stage
from tests.support.sandbox import Sandbox


def run(directory: Path, sandbox: Sandbox, names: Sequence[str]) -> int:
    """Returns the exit code, 1 if a bound is missed. Without `names`, runs everything and writes the document."""
    load = os.getloadavg()[0]
    stage = Stage(directory, sandbox)
    sections = [_section(stage, name) for name in tqdm(names or MEASURES, desc="make bench", file=sys.stderr)]
    print(report.table([result for section in sections for result in section.results]))
    if not names:
        print(f"\nWritten to {report.write(sections, load=load)}.")
    return 1 if any(result.met is False for section in sections for result in section.results) else 0


def _section(stage: Stage, name: str) -> Section:
    measure = import_module(f"tests.bench.measures.{name}")
    try:
        results: list[Result] = (
            by_workers.results_of(stage.directory, name) if name in BY_WORKERS else measure.measure(stage)
        )
    except Exception as error:
        # An error in one benchmark does not stop the others.
        if not isinstance(error, Incomplete):
            traceback.print_exc()
        results = [Result(f"make bench M={name}", "", f"{type(error).__name__}: {error}"[:100], met=False)]
    finally:
        stage.sandbox.clear_faults()
    return Section(name, (measure.__doc__ or "").strip(), results)
