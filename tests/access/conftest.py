"""Fixtures for archives and folders."""

from __future__ import annotations

import io
import os
import random
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, so that tests neither see nor fill the user's."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MEDSHELF_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def python_env() -> dict[str, str]:
    """The environment in which a child process imports what this one imports."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


Maker = Callable[..., Path]


@pytest.fixture(scope="session")
def content() -> dict[str, bytes]:
    """Files of every awkward size, compressible and not, with names of several kinds."""
    noise = random.Random(0).randbytes
    return {
        "case_2/image.bin": noise(300_001),
        "case_2/label.bin": bytes(700_000) + b"\1" * 99,
        "case_10/ümlaut 影像.bin": noise(511),
        "case_10/one block.bin": noise(512),
        "empty.bin": b"",
        "folder/" + "long" * 30 + "/" + "name" * 20 + ".bin": noise(10),
    }


@pytest.fixture
def make_zip(tmp_path: Path) -> Maker:
    """Write a zip of names and bytes."""

    def make(content: dict[str, bytes], name: str = "a.zip", method: int = zipfile.ZIP_DEFLATED) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", method) as made:
            for member, data in content.items():
                made.writestr(member, data)
        return tmp_path / name

    return make


@pytest.fixture
def make_tar(tmp_path: Path) -> Maker:
    """Write a tar of names and bytes; `mode` and `form` as in tarfile."""

    def make(
        content: dict[str, bytes], name: str = "a.tar", mode: str = "w", form: int = tarfile.PAX_FORMAT
    ) -> Path:
        fast = {"w:gz": {"compresslevel": 1}, "w:bz2": {"compresslevel": 1}, "w:xz": {"preset": 0}}
        path = tmp_path / name
        with tarfile.open(path, mode, format=form, **fast.get(mode, {})) as made:  # type: ignore[call-overload]
            for member, data in content.items():
                about = tarfile.TarInfo(member)
                about.size = len(data)
                made.addfile(about, io.BytesIO(data))
        return path

    return make
