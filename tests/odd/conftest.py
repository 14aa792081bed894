"""The oddities of real releases: each is shown by a twin, opened, and taken as it is meant.

The numbers are those of a survey of 379 public datasets; `test_all_are_here.py` says what each is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import medshelf
from medshelf.model.dataset import Record
from medshelf.samples.dataset import Dataset

Twinned = Callable[..., Dataset]


@pytest.fixture
def twinned(tmp_path: Path) -> Twinned:
    """Return a function that makes a twin of a record of the shelf, or of one made here, and opens it."""

    def make(dataset: str | Record, cases: int = 2, variant: str = "") -> Dataset:
        name = dataset if isinstance(dataset, str) else dataset.id
        root = tmp_path / name
        medshelf.twin(dataset, root, cases=cases, variant=variant)
        report = medshelf.check(dataset, root, variant=variant)
        wrong = [f for f in report.findings if f.severity == "error"]
        assert not wrong, wrong
        return medshelf.open(dataset, root, variant=variant)

    return make
