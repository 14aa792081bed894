"""A tree: names, and the bytes behind them, whether of a folder, an archive or a mere list."""

from __future__ import annotations

import os
import sys
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from medshelf.access._kind import is_archive_name, kind_of
from medshelf.access._listing import LISTING_SUFFIXES, read_listing
from medshelf.access._look_into import Progress, look_into, tell_unread
from medshelf.access._split import is_later_part
from medshelf.access._unpacked_here import not_unpacked
from medshelf.access._walk import walk
from medshelf.access.archive import Archive
from medshelf.access.problem import Problem, Problems
from medshelf.errors import AccessError, NotFound
from medshelf.model.blob import Blob, LocalFile
from medshelf.model.natural import natural_key, natural_sorted

_HEAD_BYTES = 512
_KINDS_OF_ARCHIVE = ("zip", "tar", "gzip", "bz2", "xz", "7z", "rar")


class Tree:
    """Names and the blobs behind them.

    Picklable: no open file or lock travels, and archives are looked into again only when a member is read.

    Attributes
    ----------
    where : str
        What was opened, as given.
    names : tuple of str
        Names relative to it, with forward slashes, in natural order. What lies in an archive follows the
        archive's own name, as ``a/b.zip!/member``.
    problems : tuple of Problem
        What was left out or doubted: broken archives, unreadable folders, unsafe member names.
    has_bytes : bool
        False for a list of names.
    """

    def __init__(
        self,
        where: str,
        names: tuple[str, ...],
        *,
        root: Path | None = None,
        archive: Archive | None = None,
        archives: dict[str, Archive] | None = None,
        spelt: dict[str, str] | None = None,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        self.where = where
        self.names = names
        self.problems = problems
        self._root = root
        self._archive = archive
        self._archives = archives or {}
        self._spelt = spelt or {}
        self._known: frozenset[str] | None = None

    @property
    def has_bytes(self) -> bool:
        return self._root is not None or self._archive is not None

    @property
    def archives(self) -> Mapping[str, Archive]:
        """The archives among the names that have been listed."""
        return self._archives

    def blob(self, name: str) -> Blob:
        """Return the blob behind one of the `names`.

        Raises
        ------
        NotFound
            There is no such name, or the tree is a list of names without bytes.
        """
        if name not in self:
            near = get_close_matches(name, self._beside(name), n=3)
            raise NotFound(
                "no such file",
                where=f"{self.where}: {name}",
                hint=f"Nearest: {', '.join(near)}" if near else None,
            )
        if self._archive is not None:
            return self._archive.blob(name)
        if self._root is None:
            raise NotFound(
                "only the name of this file is known, not its bytes",
                where=f"{self.where}: {name}",
                hint="Name the folder or the archive instead of the list",
            )
        held = self._holder(name)
        if held is not None:
            return self._archives[held].blob(name[len(held) + 2 :])
        return LocalFile(self._root / self._real(name))

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        if self._known is None:
            self._known = frozenset(self.names)
        return name in self._known

    def __fspath__(self) -> str:
        """Return `where`, so that a tree may be given wherever a place is."""
        return self.where

    def __repr__(self) -> str:
        return f"<Tree of {len(self.names)} names: {self.where}>"

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "names": "\0".join(self.names), "_known": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        joined = str(state["names"])
        self.names = tuple(joined.split("\0")) if joined else ()

    def _holder(self, name: str) -> str | None:
        """Return the archive of the folder in which a member lies."""
        mark = name.find("!/")
        while mark >= 0:
            if name[:mark] in self._archives:
                return name[:mark]
            mark = name.find("!/", mark + 1)
        return None

    def _real(self, name: str) -> str:
        """Return the name on disk, which may hold bytes that are not UTF-8."""
        if not self._spelt:
            return name
        parts = name.split("/")
        shown = ["/".join(parts[: i + 1]) for i in range(len(parts))]
        return "/".join(self._spelt.get(whole, part) for whole, part in zip(shown, parts, strict=True))

    def _beside(self, name: str) -> list[str]:
        at = bisect_left(self.names, natural_key(name), key=natural_key)
        return list(self.names[max(0, at - 100) : at + 100])


def open_tree(
    where: str | os.PathLike[str],
    *,
    expand_archives: bool = True,
    progress: Progress | None = None,
    password: str | None = None,
) -> Tree:
    """List a folder, an archive, or a text file of names.

    Parameters
    ----------
    where : path or Tree
        A folder; a zip, tar, tar.gz, tar.bz2, tar.xz, 7z or rar; a text of names (``.txt``, ``.lst``, ``.list``); or
        ``-`` for names from standard input. A tree is returned as it is.
    expand_archives : bool
        Whether to look into the archives that lie in the folder or, one level deep, in the archive. Members that
        `medshelf.access.unpack` has put beside their archive are not named twice.
    progress : callable, optional
        See `Progress`; compressed tars take their time.
    password : str, optional
        Opens encrypted members; by default ``$MEDSHELF_ARCHIVE_PASSWORD``.

    Returns
    -------
    Tree
        Empty for an empty folder.

    Raises
    ------
    NotFound
        There is nothing at `where`; the message names the nearest folder above that exists.
    AccessError
        It can't be read, or is none of these.
    """
    if isinstance(where, Tree):
        return where
    shown = os.fspath(where)
    if shown == "-":
        return _from_listing(sys.stdin.buffer, "-")
    root = Path(os.path.abspath(shown))
    try:
        is_folder = root.stat() and root.is_dir()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(root, shown) from error
    except (OSError, ValueError) as error:
        raise AccessError("it can't be looked at", where=shown, why=str(error)) from error
    if is_folder:
        return _from_folder(root, shown, expand_archives, progress, password)
    if not root.is_file():
        raise AccessError("this is neither a file nor a folder", where=shown)
    return _from_file(root, shown, expand_archives, progress, password)


def _from_folder(
    root: Path, where: str, expand: bool, progress: Progress | None, password: str | None
) -> Tree:
    try:
        os.scandir(root).close()
    except OSError as error:
        raise AccessError(
            "the folder may not be read", where=where, why=error.strerror, hint="Check its permissions"
        ) from error
    walked = walk(root)
    names, archives = walked.names, {}
    tree = Tree(where, (), root=root, spelt=walked.spelt)
    if expand:
        paths = {n: root / tree._real(n) for n in names if is_archive_name(n)}
        archives = look_into(paths, walked.problems, progress, password)
        tell_unread(names, walked.problems)
    if archives:
        here = frozenset(names)
        inside = [
            f"{name}!/{member}"
            for name, archive in archives.items() for member in not_unpacked(archive, root, tree._real(name), here)
        ]  # fmt: skip
        names = natural_sorted(dict.fromkeys([*names, *inside]))
    return Tree(
        where, tuple(names), root=root, archives=archives, spelt=walked.spelt,
        problems=walked.problems.as_tuple(),
    )  # fmt: skip


def _from_file(path: Path, where: str, expand: bool, progress: Progress | None, password: str | None) -> Tree:
    with LocalFile(path).open() as stream:
        head = stream.read(_HEAD_BYTES)
    if kind_of(head) in _KINDS_OF_ARCHIVE or is_archive_name(path.name) or is_later_part(path.name):
        archive = Archive(path, inner=expand, progress=progress, password=password)
        return Tree(where, archive.names, archive=archive, problems=archive.problems)
    if path.name.lower().endswith(LISTING_SUFFIXES) and kind_of(head) != "web page":
        with LocalFile(path).open() as stream:
            return _from_listing(stream, where)
    raise AccessError(
        "this is neither a folder, an archive nor a list of names",
        where=where,
        why=f"kind: {kind_of(head)}" if kind_of(head) else f"first bytes {head[:8]!r}",
        hint="Name a folder, a zip or tar, or a text of names that ends with .txt",
    )


def _from_listing(stream: BinaryIO, where: str) -> Tree:
    problems = Problems(where)
    names = read_listing(stream, where, problems)
    return Tree(where, tuple(names), problems=problems.as_tuple())


def _missing(path: Path, where: str) -> NotFound:
    above = next((p for p in path.parents if p.is_dir()), path.parent)
    return NotFound("there is nothing here", where=where, why=f"the nearest folder that exists is {above}")
