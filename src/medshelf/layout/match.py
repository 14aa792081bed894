"""Match names with the templates of a layout."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from medshelf.layout.fields import derive
from medshelf.layout.template import Template, parse
from medshelf.model.case import FileRef
from medshelf.model.layout import Layout, Slot

Kind = Literal["file", "table", "sidecar", "ignore"]

_JUNK = re.compile(
    r"(?:^|/)(?:\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini|__MACOSX/.*|\.git/.*|\.ipynb_checkpoints/.*|"
    r"\.gitattributes|\.gitignore)$"
)
_PAPER = re.compile(
    r"(?:^|/)(?:readme|licen[cs]e|copying|citation|changelog|notice|mandatory_citation)[^/]*$|"
    r"\.(?:md|md5|sha256|tcia|bib)$",
    re.IGNORECASE,
)
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def is_junk(name: str) -> bool:
    """True for files that systems leave behind (AppleDouble twins, thumbnails, checkpoints)."""
    suspect = "/." in name or name[:1] == "." or name[-4:] in (".ini", "s.db") or "__MACOSX" in name
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
    tests = [(e.template.ending, e.template.regex.fullmatch, e) for e in entries(layout)]
    total = ignored = 0
    for name in names:
        total += 1
        plain = canonical(name)
        low = plain[-_TAIL:].lower()
        hits = [
            (entry, match)
            for ending, fullmatch, entry in tests
            if low.endswith(ending[-_TAIL:]) and (match := fullmatch(plain)) is not None
        ]
        if is_junk(name):
            ignored += 1
        elif hits:
            ignored += _sort(matched, layout, name, hits)
        elif is_paperwork(name) or low.endswith(ARCHIVE_ENDINGS):
            ignored += 1
        else:
            matched.extra.append(name)
    return Matched(
        matched.files, matched.tables, matched.sidecars, matched.ambiguous, matched.extra, ignored, total
    )


def holds_nothing(layout: Layout, matched: Matched) -> bool:
    """True when no name is a file of a case: a table alone (any ``dataset.json``) shows nothing."""
    anchored = any(table.anchor and name in matched.tables for name, table in layout.tables.items())
    return not matched.files and not anchored


_TAIL = 24
"""Characters at the end of a name that are looked at before a template is tried."""


def _sort(matched: Matched, layout: Layout, name: str, hits: list[tuple[Entry, re.Match[str]]]) -> int:
    """Put one name where it belongs; return 1 when it is one to ignore."""
    first: dict[tuple[Kind, str], tuple[Entry, re.Match[str]]] = {}
    for entry, match in hits:
        first.setdefault((entry.kind, entry.slot), (entry, match))
    real = [pair for (kind, _), pair in first.items() if kind != "ignore"]
    if not real or ("ignore", "") in first:
        return 1
    if len(real) == 1 and real[0][0].kind == "file":
        matched.files.setdefault(real[0][0].slot, []).append(_ref(layout, name, *real[0]))
        return 0
    slots = tuple(sorted({e.slot for e, _ in real if e.kind == "file"}))
    if len(slots) > 1 and not _share(layout, slots):
        matched.ambiguous.append((name, slots))
    for entry, match in real:
        ref = _ref(layout, name, entry, match)
        if entry.kind == "sidecar":
            matched.sidecars.append(ref)
        else:
            place = matched.files if entry.kind == "file" else matched.tables
            place.setdefault(entry.slot, []).append(ref)
    return 0


def _share(layout: Layout, slots: tuple[str, ...]) -> bool:
    """True when every slot is another array of one file."""
    arrays = {layout.files[slot].array for slot in slots}
    return None not in arrays and len(arrays) == len(slots)


def _ref(layout: Layout, name: str, entry: Entry, match: re.Match[str]) -> FileRef:
    at, *texts = match.groups()
    names = entry.template.fields
    fields = derive(dict(zip(names, texts, strict=True)), entry.template.whole_numbers, layout.fields)
    return FileRef(entry.slot, name, fields, names, tuple(texts), at, entry.alternative)
