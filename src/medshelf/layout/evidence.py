"""Weigh what speaks for one layout: the second, full look of `medshelf.layout.identify`."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from medshelf.layout.fields import fill
from medshelf.layout.join import Joined, anchor_slots, join
from medshelf.layout.match import Entry, Matched, entries, is_paperwork, match_names
from medshelf.layout.naming import archives_of, names_of, own_archives, plain
from medshelf.layout.telling import letters, telling
from medshelf.model.case import FileRef
from medshelf.model.dataset import Record
from medshelf.model.labels import named
from medshelf.model.layout import Expect, Layout

_HALF = 4.0
"""Letters after which a layout is believed half."""
_NAMED = 8.0
"""What it says, in letters, when a folder is called like the dataset."""
_WHOLE = 4.0
"""What it says, in letters, when there are just as many cases as the release has, or one of its splits."""
_STRUCTURES = 4.0
"""What it says, in letters, when files are called like the structures of the layout."""
_TABLE = 2.0
"""What each of the first two tables of a layout says at most, in letters, when it is there."""
_KIND = 0.5
"""What each further kind of file says, in letters, when it is there."""
_CLOSED = 0.25
"""How many unexplained names an archive stands for that nobody has looked into."""
_CROWDED = 0.7
"""What a score is multiplied with when there are many more files of a kind than the release has."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that are looked at."""

    names: Sequence[str]
    scale: float
    """How many names each stands for."""
    whole: bool
    """They are all there are."""
    closed: Collection[str]
    """Archives among them that nobody has looked into."""
    called: str
    """Name of the root."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A layout that explains some of the names."""

    record: Record
    variant: str
    layout: Layout
    expect: Expect | None
    """Counts of the release, for a repackaging that states none."""
    promise: float


@dataclass(frozen=True, slots=True)
class Guess:
    """One dataset that names may be, and why."""

    dataset: str
    variant: str
    score: float
    """From 0 to 1: ``explained ** 1.5 * (0.35 + 0.65 * seen) * saying * joined``, less where files crowd."""
    explained: float
    """Share of the names that its layout explains."""
    seen: float
    """Share of its required kinds of file that are there."""
    saying: float = 0.0
    """How much its templates, its name and its numbers say, from 0 (fits anything) to 1."""
    joined: float = 1.0
    """Share of the files that find their case."""
    named: str = ""
    """The folder or archive that is called like the dataset, if there is one."""
    whole: bool = False
    """There are just as many cases as the release has, in all or in each split that is here."""


def weigh(candidate: Candidate, there: Names) -> Guess:
    """Match and join the names with a layout, and say how well that goes."""
    record, layout = candidate.record, candidate.layout
    matched = match_names(layout, there.names)
    archives = own_archives(record, layout, there.closed)
    explained = _explained(layout, matched, len(archives), len(there.closed) / there.scale)
    if explained == 0:
        return Guess(record.id, candidate.variant, 0.0, 0.0, 0.0)
    seen = _seen(layout, matched, archives, names_of(record, layout))
    joined = join(layout, matched) if there.whole else None
    fitting = _joining(layout, matched, joined)
    called_like = _named(record, layout, matched, (there.called, *archives))
    whole = joined is not None and _is_whole(layout.expect or candidate.expect, joined)
    said = _letters(layout, matched, archives) + _NAMED * bool(called_like) + _WHOLE * whole
    saying = 1 - math.exp(-said * math.log(2) / _HALF)
    size = _size(layout, matched, there.scale)
    score = min(1.0, explained**1.5 * (0.35 + 0.65 * seen) * saying * fitting * size)
    return Guess(
        record.id, candidate.variant, round(score, 4), round(explained, 4), round(seen, 4), round(saying, 4),
        round(fitting, 4), called_like, whole,
    )  # fmt: skip


def _refs(matched: Matched) -> list[FileRef]:
    return [ref for group in (*matched.files.values(), *matched.tables.values()) for ref in group]


def _explained(layout: Layout, matched: Matched, n_archives: int, n_closed: float) -> float:
    """Share of the names that are explained; one that is called like no structure counts half."""
    names = {ref.name for ref in _refs(matched)}
    if not names and not n_archives:
        return 0.0
    doubtful = {ref.name for ref, known in _structures(layout, matched) if not known}
    n_explained = len(names) - 0.5 * len(doubtful) + len(matched.sidecars) + n_archives
    rest = 0.5 * len(doubtful) + sum(1 for name in matched.extra if not is_paperwork(name))
    rest += _CLOSED * (n_closed - n_archives)
    return n_explained / (n_explained + rest)


def _structures(layout: Layout, matched: Matched) -> Iterator[tuple[FileRef, bool]]:
    """Yield the files that are called like a structure, and whether the label map knows it."""
    for name, refs in matched.files.items():
        slot = layout.files[name]
        if not (slot.labels and slot.label and "{" in slot.label):
            continue
        labels = layout.labels[slot.labels]
        for ref in refs:
            called = fill(slot.label, {**ref.captured, **ref.fields})
            yield ref, called is not None and named(labels, called) is not None


def _letters(layout: Layout, matched: Matched, archives: Sequence[str]) -> float:
    """Return what names say, in letters: the mean of their templates, and a little for what stands beside."""
    known = {(e.slot, e.alternative): telling(e.template.text) for e in _telling_entries(layout)}
    said = [known[ref.slot, ref.alternative] for ref in _refs(matched)]
    said += [letters(plain(archive)) for archive in archives]
    tables = [known[ref.slot, ref.alternative] for group in matched.tables.values() for ref in group]
    right = {
        fill(layout.files[ref.slot].label or "", ref.captured)
        for ref, known_structure in _structures(layout, matched)
        if known_structure
    }
    beside = sum(min(_TABLE, table) for table in sorted(tables, reverse=True)[:2])
    beside += _KIND * max(0, len(matched.files) - 1)
    return sum(said) / len(said) + beside + _STRUCTURES * (len(right) >= 3)


def _telling_entries(layout: Layout) -> list[Entry]:
    return [entry for entry in entries(layout) if entry.kind in ("file", "table")]


def _seen(layout: Layout, matched: Matched, archives: Sequence[str], called: frozenset[str]) -> float:
    """Share of the required kinds of file that are there, or that may lie in a closed archive."""
    inside = archives_of(layout)
    hidden = {slot for name in archives for slot in inside.get(name.rpartition("/")[2].lower(), ())}
    if any(plain(name) in called for name in archives):
        hidden |= {*layout.files, *layout.tables}
    required = [n for n, s in layout.files.items() if not s.optional]
    required_tables = [n for n, t in layout.tables.items() if not t.optional]
    there = sum(n in matched.files or n in hidden for n in required)
    there += sum(n in matched.tables or n in hidden for n in required_tables)
    return there / max(1, len(required) + len(required_tables))


def _joining(layout: Layout, matched: Matched, joined: Joined | None) -> float:
    """Share of the files that find their case: wrong datasets with like names do not join.

    Where nothing is there that could make a case (annotations without their images), nothing can be said.
    """
    total = sum(len(refs) for refs in matched.files.values())
    if joined is None or total == 0 or not any(slot in matched.files for slot in anchor_slots(layout)):
        return 1.0
    astray = len(joined.orphans) + len(joined.duplicates)
    return max(0.2, 1 - astray / total)


def _is_whole(expect: Expect | None, joined: Joined) -> bool:
    """True when there are just as many cases as the release has, or as each split that is here has."""
    n_cases = len(joined.units)
    if expect is None or n_cases < 3 or joined.missing or joined.orphans:
        return False
    splits = joined.splits
    told = {split: expect.splits[split] for split in splits if split in expect.splits}
    return n_cases == expect.cases or (len(told) == len(splits) and all(splits[s] == told[s] for s in told))


def _size(layout: Layout, matched: Matched, scale: float) -> float:
    """Doubt a dataset that would have many more files of a kind than the whole release has."""
    if layout.expect is None or not layout.expect.files:
        return 1.0
    for slot, n in layout.expect.files.items():
        if len(matched.files.get(slot, ())) * scale > 1.2 * n:
            return _CROWDED
    return 1.0


def _named(record: Record, layout: Layout, matched: Matched, called: Sequence[str]) -> str:
    """Return the folder or archive in front of what matched, or one of `called`, that is called like it."""
    known = names_of(record, layout)
    groups = (*matched.files.values(), *matched.tables.values())
    fronts = dict.fromkeys(ref.at for refs in groups for ref in (*refs[:50], *refs[-50:]))
    parts = [part.rstrip("!") for front in fronts for part in front.split("/") if part]
    return next((part for part in (*called, *parts) if plain(part) in known), "")
