"""Twins that several rooms try things on; each test that changes one takes a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import medshelf

NAMES = ("amos-2022", "btcv", "word", "busi")


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twins, each called like its dataset, that nobody may change."""
    root = tmp_path_factory.mktemp("twins")
    for name in NAMES:
        medshelf.twin(name, root / name, cases=2)
    return root


@pytest.fixture
def data(twins: Path, tmp_path: Path) -> Path:
    """A copy of the twins that a test may change."""
    shutil.copytree(twins, tmp_path / "data")
    return tmp_path / "data"
