"""What of an archive lies unpacked near it already, by the journal that unpacking keeps."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from medshelf.access._kind import stem_of
from medshelf.access._unpack_journal import journal_of, noted
from medshelf.access._unpack_plan import directory_hash, portable
from medshelf.access.archive import Archive


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
    """Return the members of an archive, but for those that `medshelf` has unpacked beside it and that are here.

    So an archive and what was unpacked of it are no two copies of the data.

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
    into = folder_of(root / above, last)
    if into is None:
        return list(archive.names)
    done = noted(journal_of(root / above / into, last), directory_hash(archive))
    front = above + slash + (f"{into}/" if into else "")
    here = {target for target in done if front + target in names}
    return [one for one in archive.names if portable(one.partition("!/")[0]) not in here]
