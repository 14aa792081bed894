"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]

with suppress(ImportError):  # the environment of the interop tests does without
    from hypothesis import settings

    settings.register_profile("any machine", deadline=None)  # a busy one takes its time
    settings.load_profile("any machine")


@pytest.fixture(scope="session")
def ground(shared_data: Path) -> Path:
    """The folder of what was read from the five lists, beside the real data."""
    return shared_data.parent / "ground"


def shared_data_folder() -> Path | None:
    """Return the folder of real data, or None where there is none."""
    named = os.environ.get("MEDSHELF_TEST_DATA")
    place = Path(named) if named else REPO.parent / "shared" / "data"
    return place if place.is_dir() else None


@pytest.fixture
def unreadable() -> Callable[[Path], Path]:
    """Take all permissions from a path; skip where that keeps nobody from reading it (root, Windows)."""

    def forbid(path: Path) -> Path:
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
        return path

    return forbid


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; without it CI fails and others skip, saying so."""
    place = shared_data_folder()
    if place is None:
        message = "real data is missing: put it at ../shared/data or set MEDSHELF_TEST_DATA"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return place
