"""Inside the archives of a host: what they hold, and what of it is to come without the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medshelf.access._kind import is_archive_name, stem_of
from medshelf.access._spans_of import can_be_picked
from medshelf.access._split import is_later_part, whole_of
from medshelf.access._unpack_plan import portable
from medshelf.access._unpacked_here import folder_of
from medshelf.access.archive import Archive
from medshelf.access.download import LOCK_NAME, OWNER_NAME, Members, Wanted
from medshelf.access.download.part import PART_ENDINGS
from medshelf.access.hosts import HostFile, Listing
from medshelf.access.remote import RemoteTree, open_remote
from medshelf.access.web import Web
from medshelf.errors import LayoutError, MedshelfError, Offline
from medshelf.fetch.offer import Unasked
from medshelf.layout.match import is_junk
from medshelf.layout.variants import choose, layouts_of
from medshelf.model.dataset import Record

_SAMPLE = 2000
"""Members of an archive that are compared with the layout, to see where they belong."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What is to come, with remarks for the user."""

    wanted: tuple[Wanted, ...]
    notes: tuple[str, ...]


def has_archives(wanted: Sequence[Wanted]) -> bool:
    """Return whether there is something to look into."""
    return any(is_archive_name(one.name) for one in wanted)


def look_at(wanted: Sequence[Wanted], web: Web) -> RemoteTree:
    """Return the files of hosts as a tree, archives listed where they lie.

    Raises
    ------
    Offline, AccessError
        A host could not be asked.
    """
    files: dict[tuple[str, str], list[HostFile]] = {}
    for one in wanted:
        source = one.source
        if isinstance(source.host, Unasked):
            raise _unasked(source.host.error, source.file.name)
        files.setdefault((source.host.NAME, source.ref), []).append(source.file)
    return open_remote([Listing(f"{host}:{ref}", tuple(them)) for (host, ref), them in files.items()], web)


def _unasked(error: MedshelfError, name: str) -> MedshelfError:
    if not isinstance(error, Offline):
        return error
    return Offline("what lies in it is known to the host only", where=name, hint=error.hint)


def pick(
    record: Record, wanted: Sequence[Wanted], tree: RemoteTree, kept: Collection[str], folder: Path
) -> Picked:
    """Return files, whole archives and parts of archives that hold some names.

    An archive of which all is kept comes whole, and so does one that can't be looked into.

    Parameters
    ----------
    record : Record
    wanted : sequence of Wanted
        All files of the hosts.
    tree : RemoteTree
        These files and what is inside.
    kept : collection of str
        Names of the tree.
    folder : Path
        Where the files go.
    """
    members: dict[str, tuple[str, ...]] = {}
    whole: list[Wanted] = []
    notes: list[str] = []
    holders = {one.name: _holder(one.name) for one in wanted}
    rest_of = {name: holder for name, holder in holders.items() if holder != name and holder in tree.archives}
    for one in wanted:
        if one.name in rest_of:  # a part of a split archive comes if that does
            continue
        archive = tree.archives.get(one.name)
        if archive is None:
            if one.name in kept:
                whole.append(one)
                notes += _why_whole(one, tree)
            continue
        names = tuple(n for n in archive.names if f"{one.name}!/{n}" in kept and not is_junk(n))
        if not names:
            continue
        if len(names) == sum(not is_junk(n) for n in archive.names):
            whole.append(one)
        elif not can_be_picked(archive.index) or not tree.is_one_file(one.name):
            whole.append(one)
            notes.append(f"{one.name}: it comes whole, as its members can't be had one by one")
        else:
            members[one.name] = names
    names_whole = {one.name for one in whole}
    whole += [one for one in wanted if rest_of.get(one.name) in names_whole]
    folders = folders_for(record, members, folder, [one.name for one in whole])
    parts = [_part(one, tree, members[one.name], folders[one.name]) for one in wanted if one.name in members]
    order = {one.name: n for n, one in enumerate(wanted)}
    return Picked(tuple(sorted((*whole, *parts), key=lambda one: order[one.name])), tuple(notes))


def _holder(name: str) -> str:
    """Return the archive that is read by way of a part of a split one; the name itself for any other file."""
    above, slash, last = name.rpartition("/")
    return above + slash + whole_of(last) if is_later_part(last) else name


def folders_for(
    record: Record, members: Mapping[str, Sequence[str]], folder: Path, beside: Sequence[str] = ()
) -> dict[str, str]:
    """Return the folder for what each archive holds, relative to the archive's: its own, or ``""`` for none.

    What was begun goes on where it is. Else the one is taken in which the layout finds more files; where both are
    alike, members stay beside the archive, unless they would lie loose or in each other's way.

    Parameters
    ----------
    record : Record
    members : mapping of str to sequence of str
        Names inside, by the name of the archive.
    folder : Path
        Where the files go.
    beside : sequence of str
        Other names that will be there.
    """
    begun = {name: into for name in members if (into := _begun(folder, name)) is not None}
    loose = dict.fromkeys(members, "") | begun
    apart = {name: stem_of(name.rpartition("/")[2]) for name in members} | begun
    if loose == apart:
        return loose
    every = [path.casefold() for name, inside in members.items() for path in _placed(name, inside, "")]
    if len(set(every)) < len(every) or not _own_names(members).isdisjoint(every):
        return apart
    try:
        found = [_n_matched(record, members, folders, beside) for folders in (loose, apart)]
    except LayoutError:
        found = [0, 0]
    if found[0] != found[1]:
        return loose if found[0] > found[1] else apart
    tidy = all(len({n.partition("/")[0] for n in names}) == 1 and "/" in names[0] for names in members.values())
    free = {name.casefold() for name in (*beside, *members)}.isdisjoint(every)
    return loose if tidy and free else apart


def _own_names(members: Iterable[str]) -> set[str]:
    """Return what the downloader calls its own files, while it fetches these archives."""
    return {LOCK_NAME, OWNER_NAME} | {f"{name}.part{end}".casefold() for name in members for end in PART_ENDINGS}


def _begun(folder: Path, name: str) -> str | None:
    above, _, last = name.rpartition("/")
    return folder_of(folder / above, last)


def _n_matched(
    record: Record, members: Mapping[str, Sequence[str]], folders: Mapping[str, str], beside: Sequence[str]
) -> int:
    names = [
        path for name, inside in members.items()
        for path in _placed(name, inside[:: 1 + len(inside) // _SAMPLE], folders[name])
    ]  # fmt: skip
    _, matched = choose(layouts_of(record), [*names, *beside])
    return sum(map(len, matched.files.values())) + sum(map(len, matched.tables.values()))


def _placed(archive: str, names: Sequence[str], folder: str) -> list[str]:
    above = "/".join(part for part in (archive.rpartition("/")[0], folder) if part)
    return [f"{above}/{portable(n)}" if above else portable(n) for n in names]


def _part(one: Wanted, tree: RemoteTree, names: tuple[str, ...], folder: str) -> Wanted:
    archive: Archive = tree.archives[one.name]
    file = replace(one.source.file, size_bytes=archive.source.size_bytes)
    members = Members(archive, names, folder, tree.validator(one.name))
    return replace(one, source=replace(one.source, file=file), members=members)


def _why_whole(one: Wanted, tree: RemoteTree) -> list[str]:
    if not is_archive_name(one.name):
        return []
    why = next((problem.message for problem in tree.problems if problem.path == one.name), "it was not looked into")
    return [f"{one.name}: it comes whole: {why}"]
