"""One run: measure after measure, the table on standard output, and the document after a whole one."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tqdm import tqdm

from tests.bench import report
from tests.bench.environment import MEASURES
from tests.bench.report import Section
from tests.bench.results import Result
from tests.bench.stage import NotWhole, Stage
from tests.support.sandbox import Sandbox


def run(directory: Path, sandbox: Sandbox, names: Sequence[str]) -> int:
    """The exit code: 1 when a bound was missed. Without `names`, everything is measured and the document written."""
    load = os.getloadavg()[0]
    stage = Stage(directory, sandbox)
    sections = [_section(stage, name) for name in tqdm(names or MEASURES, desc="make bench", file=sys.stderr)]
    print(report.table([result for section in sections for result in section.results]))
    if not names:
        print(f"\nWritten to {report.write(sections, load=load)}.")
    return 1 if any(result.held is False for section in sections for result in section.results) else 0


def _section(stage: Stage, name: str) -> Section:
    measure = import_module(f"tests.bench.measures.{name}")
    try:
        results: list[Result] = measure.measure(stage)
    except Exception as error:
        # What went wrong in one measure is that one's; the others still tell.
        if not isinstance(error, NotWhole):
            traceback.print_exc()
        results = [Result(f"make bench M={name}", "", f"{type(error).__name__}: {error}"[:100], held=False)]
    finally:
        stage.sandbox.clear_faults()
    return Section(name, (measure.__doc__ or "").strip(), results)
