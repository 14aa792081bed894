"""What the tests of readers share."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medshelf.errors import MedshelfError
from medshelf.model.blob import LocalFile

Survives = Callable[..., int]


@pytest.fixture
def survives_damage(tmp_path: Path) -> Survives:
    """Return a function that reads damaged copies of a file and returns how many were refused.

    Cut and changed bytes may give anything but an error that is not ours, or more than a few seconds.
    """

    def read_damaged(read: Callable[[LocalFile], Any], data: bytes, name: str, rounds: int = 60) -> int:
        rng = np.random.default_rng(3)
        copies = [data[: len(data) * n // 12] for n in range(12)]
        for _ in range(rounds):
            broken = bytearray(data)
            reach = len(data) if rng.random() < 0.5 else min(len(data), 600)
            for place in rng.integers(0, reach, rng.integers(1, 6)):
                broken[place] = rng.integers(0, 256)
            copies.append(bytes(broken))
        refused = 0
        begun = time.monotonic()
        for copy in copies:
            path = tmp_path / name
            path.write_bytes(copy)
            try:
                read(LocalFile(path))
            except MedshelfError as error:
                refused += 1
                assert error.where is None or name in error.where
        assert time.monotonic() - begun < 20
        return refused

    return read_damaged
