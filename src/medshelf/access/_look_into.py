"""The archives that lie in a folder: listed several at a time, the broken and the unread ones told."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from medshelf.access._kind import UNREAD_SUFFIXES
from medshelf.access._split import is_later_part, whole_of
from medshelf.access.archive import Archive
from medshelf.access.problem import Problems
from medshelf.errors import MedshelfError

Progress = Callable[[int, int], None]
"""Told how many bytes, of how many, of the archives have been looked at."""


def tell_unread(names: list[str], problems: Problems) -> None:
    """Note archives of a kind that is not read, and parts of split ones whose archive is not here."""
    later = [name for name in names if is_later_part(name)]
    here = {name.lower() for name in names} if later else set()
    for name in names:
        if name.lower().endswith(UNREAD_SUFFIXES):
            problems.add(name, "not looked into: this kind of archive is not read. Unpack it first")
    for name in later:
        if whole_of(name).lower() not in here:
            problems.add(name, f"not looked into: a part of {whole_of(name)}, which is not here")


def look_into(
    paths: dict[str, Path], problems: Problems, progress: Progress | None, password: str | None
) -> dict[str, Archive]:
    """List the archives of a folder, several at a time, and leave out those that are broken."""
    sizes = {name: path.stat().st_size if path.exists() else 0 for name, path in paths.items()}
    total, done = sum(sizes.values()), 0
    archives: dict[str, Archive] = {}

    def listed(path: Path) -> Archive | MedshelfError:
        try:
            archive = Archive(path, password=password)
            _ = archive.names
        except MedshelfError as error:
            return error
        return archive

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for name, found in zip(paths, pool.map(listed, paths.values()), strict=True):
            done += sizes[name]
            if progress:
                progress(done, total)
            if isinstance(found, MedshelfError):
                problems.add(name, found)
                continue
            archives[name] = found
            for path, message in found.problems:
                inside = path.removeprefix(found.where).removeprefix("!/")
                problems.add(f"{name}!/{inside}" if inside else name, message)
    return archives
