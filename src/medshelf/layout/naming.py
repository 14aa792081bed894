"""What folders and archives of a dataset are called: evidence that stands outside the templates."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from medshelf.layout.match import ARCHIVE_ENDINGS, templates_of
from medshelf.layout.telling import is_common
from medshelf.model.dataset import Record
from medshelf.model.layout import Layout

_MANY = 200


def plain(name: str) -> str:
    """Return a name in the form in which names are compared: letters and digits, no archive's ending."""
    stem = name.rpartition("/")[2].lower()
    for ending in sorted(ARCHIVE_ENDINGS, key=len, reverse=True):
        stem = stem.removesuffix(ending)
    return "".join(c for c in stem if c.isalnum())


def names_of(record: Record, layout: Layout) -> frozenset[str]:
    """Return what a folder of this dataset may be called, in the form of `plain`; no common words."""
    words = {plain(w.replace("/", " ")) for w in (record.id, record.name, *record.aliases, *layout.roots)}
    return frozenset(word for word in words if not is_common(word))


def archives_of(layout: Layout) -> dict[str, tuple[str, ...]]:
    """Return the archives that templates name, and the slots and tables that lie inside."""
    found: dict[str, tuple[str, ...]] = {}
    tables = {n: (t.path,) if isinstance(t.path, str) else t.path for n, t in layout.tables.items()}
    for slot, texts in ({n: templates_of(s) for n, s in layout.files.items()} | tables).items():
        for text in texts:
            archive, inside, _ = text.partition("!/")
            name = archive.rpartition("/")[2].lower()
            if inside and "{" not in name and "*" not in name:
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), slot)))
    return found


def closed_archives(names: Iterable[str]) -> dict[str, None]:
    """Return the archives of a list of names that nobody has looked into, in their order."""
    there = list(names)
    opened = {name.partition("!/")[0] for name in there if "!/" in name}
    return {name: None for name in there if name[-8:].lower().endswith(ARCHIVE_ENDINGS) and name not in opened}


def own_archives(record: Record, layout: Layout, closed: Collection[str]) -> list[str]:
    """Return the closed archives that are the dataset's: called like it, or named by a template.

    Where there are very many, they are the data themselves and no packing of them.
    """
    if not closed or len(closed) > _MANY:
        return []
    inside, called = archives_of(layout), names_of(record, layout)
    return [name for name in closed if name.rpartition("/")[2].lower() in inside or plain(name) in called]
