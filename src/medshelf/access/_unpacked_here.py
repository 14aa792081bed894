"""What of an archive lies unpacked near it already: by the journal that unpacking keeps, or by names and sizes."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from medshelf.access._kind import stem_of
from medshelf.access._unpack_journal import journal_of, noted
from medshelf.access._unpack_plan import directory_hash, portable
from medshelf.access.archive import Archive

_MOST_OF_IT = 0.5
"""From this share of its members on, an archive counts as unpacked by another program."""


def folder_of(folder: Path, name: str) -> str | None:
    """Return the folder into which an archive was unpacked: its own, ``""`` for that in which it lies, None for none.

    Parameters
    ----------
    folder : Path
        Where the archive lies.
    name : str
        Its name, without folders.
    """
    return next((one for one in ("", stem_of(name)) if journal_of(folder / one, name).is_file()), None)


def not_unpacked(archive: Archive, root: Path, name: str, names: Collection[str]) -> list[str]:
    """Return the members of an archive, but for those that lie unpacked beside it, or in a folder called like it.

    So an archive and what was unpacked of it are no two copies of the data. What `medshelf` has unpacked its journal
    tells; what another program has, the same names below the folder, and the same sizes, of most of them.

    Parameters
    ----------
    archive : Archive
    root : Path
        The folder that is looked at.
    name : str
        The archive, relative to it.
    names : collection of str
        All files below `root`.
    """
    above, slash, last = name.rpartition("/")
    here: set[str] = set()
    for into in ("", stem_of(last)):
        front = above + slash + (f"{into}/" if into else "")
        journal = journal_of(root / above / into, last)
        if journal.is_file():
            here.update(one for one in noted(journal, directory_hash(archive)) if front + one in names)
        alike = set(_alike(archive, root, front, names))
        if len(alike) > len(archive.index.names) * _MOST_OF_IT:  # else a few names happen to be the same
            here |= alike
    return [one for one in archive.names if portable(one.partition("!/")[0]) not in here] if here else [*archive.names]


def _alike(archive: Archive, root: Path, front: str, names: Collection[str]) -> Iterator[str]:
    """Yield the members of which a file of the same name and size lies below a folder."""
    sizes = archive.index.columns["size"]
    for row, name in enumerate(archive.index.names):
        if front + name in names:
            try:
                size = os.stat(root / (front + name)).st_size
            except OSError:
                continue
            if size == sizes[row]:
                yield portable(name)
