"""What the verbs that only look things up cost: no array library, and a fraction of a second."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

VERBS = [["--help"], ["find", "liver", "--modality", "CT"], ["show", "btcv"], ["find", "--structure", "liver", "-q"]]
HEAVY = ("numpy", "pydantic", "pydicom", "PIL", "nibabel", "tifffile", "imagecodecs", "openpyxl", "torch")
LOOK = """
import sys
from medshelf.cli.app import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
print(*[name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.fixture(scope="module", autouse=True)
def _baked() -> None:
    subprocess.run([sys.executable, "-m", "medshelf", "show", "btcv"], check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_looking_things_up_imports_nothing_heavy(verb: list[str]) -> None:
    script = LOOK.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script, *verb], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout
    assert done.stderr.splitlines()[-1] == ""


def test_importing_medshelf_imports_nothing_heavy() -> None:
    script = f"import sys, medshelf; print([n for n in {HEAVY!r} if n in sys.modules], 'sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[] False\n"


def seconds(*command: str) -> float:
    """Return the processor time of a command, which other programs on the machine hardly change."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("verb", VERBS[:3], ids=" ".join)
def test_looking_things_up_takes_a_fraction_of_a_second(verb: list[str]) -> None:
    bare = min(seconds("-c", "pass") for _ in range(5))
    best = min(seconds("-m", "medshelf", *verb) for _ in range(5))
    # a slow or busy machine stretches both: what counts is how much is added to a bare start, with room to spare
    assert best < max(0.3, 22 * bare), f"{best:.3f} s of processor time; a bare start takes {bare:.3f} s"
