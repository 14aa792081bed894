"""Match names with the templates of a layout."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from medshelf.layout.fields import TemplateReading
from medshelf.layout.template import Template, parse
from medshelf.model.case import FileRef
from medshelf.model.layout import Layout, Slot

Kind = Literal["file", "table", "sidecar", "ignore"]

_JUNK = re.compile(
    r"(?:^|/)(?:\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini|__MACOSX/.*|\.git/.*|\.ipynb_checkpoints/.*|"
    r"\.unpacked/.*|\.gitattributes|\.gitignore|medshelf\.lock\.json(?:\.new)?|\.medshelf\.owner)$"
)
_PAPER = re.compile(
    r"(?:^|/)(?:readme|licen[cs]e|copying|citation|changelog|notice|mandatory_citation)[^/]*$|"
    r"\.(?:md|md5|sha256|tcia|bib)$",
    re.IGNORECASE,
)
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".7z", ".rar")


def is_junk(name: str) -> bool:
    """True for files that systems leave behind (AppleDouble twins, thumbnails, checkpoints), and our own lock file."""
    suspect = "/." in name or name[:1] == "." or name[-4:] in (".ini", "s.db") or "__MACOSX" in name
    suspect = suspect or "medshelf.lock" in name
    return suspect and _JUNK.search(name) is not None


def is_paperwork(name: str) -> bool:
    """True for readmes, licences and checksums, which any release may carry."""
    return _PAPER.search(name) is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """One template of a layout and what it stands for."""

    kind: Kind
    slot: str
    alternative: int
    template: Template


@dataclass(frozen=True, slots=True)
class Matched:
    """All names of a tree, sorted by what they are."""

    files: dict[str, list[FileRef]] = field(default_factory=dict)
    """By slot."""
    tables: dict[str, list[FileRef]] = field(default_factory=dict)
    """By table."""
    sidecars: list[FileRef] = field(default_factory=list)
    ambiguous: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Names that fit several slots, and those slots."""
    extra: list[str] = field(default_factory=list)
    """Names that fit nothing."""
    ignored: int = 0
    """Number of names that are known to belong to no case."""
    total: int = 0


def templates_of(slot: Slot) -> tuple[str, ...]:
    """Return the templates of a slot, in the order of their preference."""
    paths = (slot.path,) if isinstance(slot.path, str) else slot.path
    return slot.either or tuple(p for p in paths if p)


def entries(layout: Layout) -> list[Entry]:
    """Return every template of a layout.

    Raises
    ------
    LayoutError
        A template is not well formed.
    """
    found: list[Entry] = []
    for name, slot in layout.files.items():
        for n, text in enumerate(templates_of(slot)):
            found.append(Entry("file", name, n, parse(text)))
            for ending in slot.sidecar:
                found.append(Entry("sidecar", name, n, parse(_with_ending(text, ending))))
    for name, table in layout.tables.items():
        paths = (table.path,) if isinstance(table.path, str) else table.path
        found += [Entry("table", name, n, parse(text)) for n, text in enumerate(paths)]
    found += [Entry("ignore", "", n, parse(text)) for n, text in enumerate(layout.ignore)]
    return found


def _with_ending(text: str, ending: str) -> str:
    stem, dot, _ = text.rpartition(".")
    return (stem if dot else text) + ending


def canonical(name: str) -> str:
    """Return a name in Unicode's composed form, in which names are compared."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def match_names(layout: Layout, names: Iterable[str]) -> Matched:
    """Match every name of a tree.

    Parameters
    ----------
    layout : Layout
    names : iterable of str
        Names below the root, with ``/`` between folders and ``!/`` after archives.
    """
    matched = Matched()
    tests = [_test(layout, entry) for entry in entries(layout)]
    pool: dict[str | None, str | None] = {}
    shared = pool.setdefault
    total = ignored = 0
    for name in names:
        total += 1
        plain = canonical(name)
        low = plain[-_TAIL:].lower()
        hits: list[tuple[Entry, FileRef]] = []
        for ending, fullmatch, entry, reading in tests:
            if low.endswith(ending) and (match := fullmatch(plain)) is not None:
                at, *texts = map(shared, groups := match.groups(), groups)
                hits.append((entry, FileRef(reading, name, at or "", tuple(texts))))
        if is_junk(name):
            ignored += 1
        elif hits:
            ignored += _sort(layout, matched, hits)
        elif is_paperwork(name) or low.endswith(ARCHIVE_ENDINGS):
            ignored += 1
        else:
            matched.extra.append(name)
    return Matched(
        matched.files, matched.tables, matched.sidecars, matched.ambiguous, matched.extra, ignored, total
    )


def _test(layout: Layout, entry: Entry) -> tuple[str, Callable[[str], re.Match[str] | None], Entry, TemplateReading]:
    """Return the end of the names that fit a template, its expression, and how they are read."""
    template = entry.template
    reading = TemplateReading(entry.slot, entry.alternative, template.fields, template.whole_numbers, layout.fields)
    return template.ending[-_TAIL:], template.regex.fullmatch, entry, reading


def holds_nothing(layout: Layout, matched: Matched) -> bool:
    """True when no name is a file of a case: a table alone (any ``dataset.json``) shows nothing."""
    anchored = any(table.anchor and name in matched.tables for name, table in layout.tables.items())
    return not matched.files and not anchored


_TAIL = 24
"""Characters at the end of a name that are looked at before a template is tried."""


def _sort(layout: Layout, matched: Matched, hits: list[tuple[Entry, FileRef]]) -> int:
    """Put one name where it belongs; return 1 when it is one to ignore."""
    if len(hits) > 1:
        hits = _first_of_each(hits)
    for entry, ref in hits:
        if entry.kind == "file":
            matched.files.setdefault(entry.slot, []).append(ref)
        elif entry.kind == "table":
            matched.tables.setdefault(entry.slot, []).append(ref)
        elif entry.kind == "sidecar":
            matched.sidecars.append(ref)
        else:
            return 1
    slots = {entry.slot for entry, _ in hits if entry.kind == "file"} if len(hits) > 1 else ()
    if len(slots) > 1 and not _share(layout, slots):
        matched.ambiguous.append((hits[0][1].name, tuple(sorted(slots))))
    return 0


def _share(layout: Layout, slots: Collection[str]) -> bool:
    """True when every slot is another array of one file."""
    arrays = {layout.files[slot].array for slot in slots}
    return None not in arrays and len(arrays) == len(slots)


def _first_of_each(hits: list[tuple[Entry, FileRef]]) -> list[tuple[Entry, FileRef]]:
    """Keep the first template that fits of every slot and table; only that to ignore, if there is one."""
    first: dict[tuple[Kind, str], tuple[Entry, FileRef]] = {}
    for entry, ref in hits:
        first.setdefault((entry.kind, entry.slot), (entry, ref))
    ignore = first.get(("ignore", ""))
    return [ignore] if ignore is not None else list(first.values())
