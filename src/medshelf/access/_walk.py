"""The names of all files below a folder, fast enough for a million of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medshelf.access.problem import Problems, printable
from medshelf.model.natural import natural_key


@dataclass(slots=True)
class Walked:
    """What a walk found.

    `names` are relative and in natural order. `spelt` gives, for names that can't be printed, the real one.
    """

    names: list[str] = field(default_factory=list)
    spelt: dict[str, str] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)


def walk(root: Path) -> Walked:
    """Return all files below `root`.

    Symbolic links to files are followed, and links to folders too, once for each folder and never to one above
    them. Sockets, pipes and devices are left out. What can't be read is a problem, not an error.
    """
    walked = Walked(problems=Problems(str(root)))
    followed: set[tuple[int, int]] = set()
    pending = [iter(_list(str(root), "", walked, followed))]
    while pending:
        for folder, prefix in pending[-1]:
            pending.append(iter(_list(folder, prefix, walked, followed)))
            break
        else:
            pending.pop()
    return walked


def _list(
    folder: str, prefix: str, walked: Walked, followed: set[tuple[int, int]]
) -> Iterator[tuple[str, str]]:
    """Add the files of one folder, and yield its sub-folders where they belong among them."""
    files, folders = _scan(folder, prefix, walked, followed)
    if not folders:
        files.sort(key=natural_key)
        walked.names += [prefix + name for name in files] if prefix else files
        return
    for name in sorted([*files, *folders], key=natural_key):
        if name in folders:
            yield folders[name], f"{prefix}{name}/"
        else:
            walked.names.append(prefix + name)


def _scan(
    folder: str, prefix: str, walked: Walked, followed: set[tuple[int, int]]
) -> tuple[list[str], dict[str, str]]:
    """Return the names of the files, and name and place of the sub-folders."""
    files: list[str] = []
    folders: dict[str, str] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if not name.isascii():
                    name = _printable_name(name, prefix, walked)
                if entry.is_dir(follow_symlinks=False):
                    folders[name] = entry.path
                elif entry.is_file(follow_symlinks=False):
                    files.append(name)
                elif entry.is_symlink():
                    _follow(entry, name, prefix, files, folders, walked, followed)
    except OSError as error:
        what = (
            "the folder may not be read" if isinstance(error, PermissionError) else "the folder can't be read"
        )
        walked.problems.add(prefix.rstrip("/") or ".", f"{what} ({error.strerror})")
    return files, folders


def _follow(
    entry: os.DirEntry[str],
    name: str,
    prefix: str,
    files: list[str],
    folders: dict[str, str],
    walked: Walked,
    followed: set[tuple[int, int]],
) -> None:
    """Take in what a symbolic link leads to."""
    try:
        if entry.is_file():
            files.append(name)
            return
        found = entry.stat()
    except OSError as error:
        walked.problems.add(prefix + name, f"the link leads nowhere ({error.strerror})")
        return
    if not entry.is_dir():
        return
    target = (found.st_dev, found.st_ino)
    if target in followed or _is_above(entry.path, target):
        walked.problems.add(prefix + name, "not followed: this link leads to a folder that is listed already")
        return
    followed.add(target)
    folders[name] = entry.path


def _is_above(path: str, target: tuple[int, int]) -> bool:
    """Return True if `target` is one of the folders in which `path` lies, links included."""
    folder = os.path.dirname(path)
    while True:
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) == target:
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


def _printable_name(name: str, prefix: str, walked: Walked) -> str:
    shown = printable(name)
    if shown != name:
        walked.problems.add(prefix + shown, "the name is not UTF-8; it is listed with its odd bytes as \\xNN")
        walked.spelt[prefix + shown] = name
    return shown
