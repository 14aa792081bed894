"""Programs of others that tests run: tests without them skip, or fail where ``MEDSHELF_NEEDS_PROGRAMS=1`` is set.

``.ci/run`` sets it once it has installed them, so that a test which proves something there can't stop doing so unseen.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

_PLACES = os.pathsep.join((str(Path(sys.executable).parent), "/usr/sbin"))
"""Where programs also lie: those that wheels bring, and servers, which few have on their path."""


def found(*names: str) -> str | None:
    """Return the path of the first of several programs that is here, or None."""
    return next((at for name in names for at in (shutil.which(name), shutil.which(name, path=_PLACES)) if at), None)


def needed() -> bool:
    """Whether the programs have to be here."""
    return os.environ.get("MEDSHELF_NEEDS_PROGRAMS") == "1"


def program(*names: str) -> str:
    """Return the path of the first of several programs that is here; without one the test skips or fails."""
    at = found(*names)
    if at is None:
        absent(f"{' or '.join(names)} is not installed")
    return at  # type: ignore[return-value]


def absent(message: str) -> Any:
    """Skip a test, or fail it where the programs have to be here."""
    if needed():
        pytest.fail(f"{message}, and MEDSHELF_NEEDS_PROGRAMS is set")
    pytest.skip(message)
