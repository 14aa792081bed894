"""The README shows what the commands print: every console block is run, in order, on the real data it speaks of."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from medshelf.catalogue import shelf
from medshelf.fetch.offer import choose

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture(scope="module")
def place(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tour")
    shutil.copytree(shared_data / "msd-hippocampus" / "Task04_Hippocampus", root / "Task04_Hippocampus")
    (root / "recipe.toml").write_text(_blocks("toml")[0])
    return root


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def _steps() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for block in _blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            found.append((command, printed))
    return found


def printed_by(command: str, place: Path) -> str:
    words = shlex.split(command)
    if words[0] == "medshelf":
        words = [sys.executable, "-m", "medshelf", *words[1:]]
    env = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "COLUMNS")}
    done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.stdout


def test_every_command_prints_what_is_shown(place: Path) -> None:
    steps = _steps()
    assert len(steps) >= 6
    for command, shown in steps:
        assert printed_by(command, place) == shown, command


def test_the_lines_of_python_give_what_is_shown(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    code = _blocks("python")[0]
    test = doctest.DocTestParser().get_doctest(code, {}, "README", str(README), 0)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_number_of_layouts_is_what_the_shelf_has() -> None:
    from medshelf.catalogue.shelf import records

    listed = [record for record in records() if record.kind == "dataset" and record.entries]
    n = sum(record.layout is not None for record in listed)
    assert f"{n} of the {len(listed)} datasets have a layout" in README.read_text(encoding="utf-8")


def test_so_many_datasets_can_be_fetched() -> None:
    listed = [record for record in shelf.records() if record.entries and record.kind == "dataset"]
    n_fetched = sum(bool(choose(record, None)[0]) for record in listed)
    changelog = (README.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"Of {n_fetched} datasets a program can" in README.read_text(encoding="utf-8")
    assert f"{n_fetched} of the {len(listed)} datasets have a reference that a program can fetch" in changelog
