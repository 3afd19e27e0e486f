"""`make mutants` takes minutes; that its mistakes still fit the code is checked with every run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.mutations import MUTATIONS, Mutation

PROJECT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_it_fits_the_code(mutation: Mutation) -> None:
    assert (PROJECT / mutation.file).read_text().count(mutation.old) == 1
    assert all((PROJECT / name.partition("::")[0]).is_file() for name in mutation.tests)
