"""Kills of unpacking, at any moment: each file that is there is whole, and the next run goes on.

As for downloads, children are forked from a process that has imported everything and listed the archive, so that a kill
hits the unpacking and not the start.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from medshelf.access.archive import Archive
from medshelf.access.unpack import unpack
from tests.access import made

KINDS = ("zip", "tar.gz", "7z", "zip in pieces")
_FILES = 300
Content = dict[str, bytes]


@dataclass
class Kills:
    """What was done and seen."""

    kills: int = 0
    resumed: int = 0
    """Runs that found files of a killed one, and not all of them."""
    kept: int = 0
    """Files that they kept."""
    early: int = 0
    """Kills before the first file was in place, or after the last."""


def run(kind: str, folder: Path, n_kills: int, seed: int) -> Kills:
    """Unpack, kill, look, go on, look; again and again."""
    draw, seen = random.Random(seed), Kills()
    sizes = (10, 3000, 40_000)
    content = {f"case_{n}/image.bin": draw.randbytes(draw.choice(sizes)) for n in range(_FILES)}
    archive, out = Archive(_made(kind, content, folder), inner=False), folder / "out"
    assert len(archive) == _FILES
    begun = time.monotonic()
    unpack(archive, folder / "whole")
    takes = time.monotonic() - begun
    while seen.kills < n_kills:
        shutil.rmtree(out, ignore_errors=True)
        if not _killed(archive, out, draw.uniform(0, 1.1 * takes)):
            continue
        seen.kills += 1
        there = read(out)
        assert all(content[name] == data for name, data in there.items()), "a file is torn after a kill"
        done = unpack(archive, out)
        assert done.n_kept >= len(there), "a whole file was written again"
        assert read(out) == content, "the next run did not end whole"
        assert not list(out.rglob("*.part")), "a temporary file was left"
        between = 0 < done.n_kept < _FILES
        seen.resumed += between
        seen.kept += done.n_kept if between else 0
        seen.early += not between
    return seen


def _killed(archive: Archive, out: Path, after_s: float) -> bool:
    """Unpack in a child and kill it after a while; return False if it ended before."""
    child = os.fork()
    if not child:
        try:
            unpack(archive, out)
        finally:
            os._exit(0)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def read(folder: Path) -> Content:
    """Return what lies in a folder, but for the journal's own."""
    files = (p for p in folder.rglob("*") if p.is_file() and ".unpacked" not in p.parts)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def _made(kind: str, content: Content, folder: Path) -> Path:
    if kind == "7z":
        return made.sevenzip(folder / "a.7z", content)
    if kind == "tar.gz":
        with tarfile.open(folder / "a.tar.gz", "w:gz", compresslevel=1) as out:
            for name, data in content.items():
                about = tarfile.TarInfo(name)
                about.size = len(data)
                out.addfile(about, io.BytesIO(data))
        return folder / "a.tar.gz"
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in content.items():
            packed.writestr(name, data)
    return made.pieces(folder / "a.zip", 500_000) if kind == "zip in pieces" else folder / "a.zip"
