"""Say which dataset, and which repackaging of it, a list of names is; or that it is none that is known.

All layouts of the shelf are tried on a few names of every shape; those that explain some are then matched and joined
in full. What counts (each stands in the `Guess`): how many of the names a layout explains, how many of its required
kinds of file are there, whether files find their cases, how much its templates say, whether a folder is called like
the dataset, and whether there are just as many cases as the whole release has.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medshelf.layout.join import Joined, anchor_slots, join
from medshelf.layout.match import Entry, Matched, canonical, entries, is_junk, is_paperwork, match_names
from medshelf.layout.shapes import by_shape, part_of, some_of
from medshelf.layout.telling import is_common, telling
from medshelf.layout.variants import layouts_of
from medshelf.model.dataset import Record
from medshelf.model.layout import Layout

CERTAIN = 0.5
"""Least score at which an answer is given; below it a tree is unknown."""
FIRST_LOOK = 240
"""Number of names on which every layout of the shelf is tried."""
SECOND_LOOK = 12
"""Number of layouts that are matched in full."""
SAMPLE = 3000
"""Number of names that are matched in full when there are more than `ALL`."""
ALL = 12000
"""Most names that are all matched and joined."""
_HALF = 6.0
"""Letters after which a template is believed half."""
_NAMED = 8.0
"""What it says, in letters, when a folder is called like the dataset."""
_WHOLE = 4.0
"""What it says, in letters, when there are just as many cases as the whole release has."""
_TABLE = 2.0
"""What each of the first two tables of a layout says, in letters, when it is there."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One dataset that names may be, and why."""

    dataset: str
    variant: str
    score: float
    """From 0 to 1."""
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
    """There are just as many cases as the whole release has."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The answer."""

    dataset: str | None
    """Id of the dataset, or None when the names are no dataset of the shelf."""
    variant: str
    guesses: tuple[Guess, ...]
    """Best first, the runners-up too."""
    n_names: int

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Candidate:
    record: Record
    variant: str
    layout: Layout
    promise: float = 0.0


def identify_names(
    names: Sequence[str], records: Iterable[Record], *, most: int = 5, called: str = ""
) -> Identity:
    """Return which dataset a list of names is.

    Parameters
    ----------
    names : sequence of str
        Names below a root, with ``/`` between folders.
    records : iterable of Record
        The shelf; records without a layout are passed over.
    most : int
        Number of guesses to return.
    called : str
        What the root itself is called: the name of the folder or archive.
    """
    useful = [canonical(name) for name in names if not is_junk(name)]
    groups = by_shape(useful)
    few = some_of(groups, FIRST_LOOK)
    candidates = [
        _Candidate(record, variant, layout, promise)
        for record in records
        if record.layout is not None
        for variant, layout in layouts_of(record).items()
        if (promise := _promise(layout, few)) > 0
    ]
    candidates.sort(key=lambda c: (-c.promise, c.record.id))
    whole_list = len(useful) <= ALL
    looked_at = useful if whole_list else part_of(groups, useful, SAMPLE)
    found = [_guess(c, looked_at, len(useful), whole_list, called) for c in candidates[:SECOND_LOOK]]
    return _answer(found, most, len(names))


def _answer(found: Iterable[Guess], most: int, n_names: int) -> Identity:
    best_of: dict[str, Guess] = {}
    for guess in found:
        if guess.dataset not in best_of or guess.score > best_of[guess.dataset].score:
            best_of[guess.dataset] = guess
    guesses = sorted(best_of.values(), key=lambda g: (-g.score, g.dataset))
    best = guesses[0] if guesses else None
    if best is None or best.score < CERTAIN:
        return Identity(None, "", tuple(guesses[:most]), n_names)
    return Identity(best.dataset, best.variant, tuple(guesses[:most]), n_names)


# --- first look ------------------------------------------------------------------------------


def _promise(layout: Layout, few: Mapping[str, float]) -> float:
    """Return share of the names that a layout explains, times how much that says."""
    tests = [(e.template.ending, e.template.regex.fullmatch, e) for e in entries(layout)]
    explained = rest = said = 0.0
    for name, weight in few.items():
        entry = _first_fit(tests, name)
        if entry is None:
            rest += 0.0 if is_paperwork(name) else weight
        elif entry.kind != "ignore":
            explained += weight
            said += weight * telling(entry.template.text)
    if explained == 0:
        return 0.0
    return explained / (explained + rest) * (1 + said / explained)


def _first_fit(tests: Sequence[tuple[str, Any, Entry]], name: str) -> Entry | None:
    low = name.lower()
    for ending, fullmatch, entry in tests:
        if low.endswith(ending) and fullmatch(name) is not None:
            return entry
    return None


# --- second look -----------------------------------------------------------------------------


def _guess(
    candidate: _Candidate, names: Sequence[str], n_names: int, whole_list: bool, called: str
) -> Guess:
    layout, dataset = candidate.layout, candidate.record.id
    matched = match_names(layout, names)
    refs = [r for group in (*matched.files.values(), *matched.tables.values()) for r in group]
    n_explained = len({r.name for r in refs}) + len(matched.sidecars)
    if n_explained == 0:
        return Guess(dataset, candidate.variant, 0.0, 0.0, 0.0)
    rest = sum(1 for name in matched.extra if not is_paperwork(name))
    explained = n_explained / (n_explained + rest)
    seen = _seen(layout, matched)
    joined = join(layout, matched) if whole_list else None
    fitting = _joining(layout, matched, joined)
    named = _named(candidate.record, layout, matched, called)
    whole = joined is not None and _is_whole(layout, joined)
    letters = _letters(layout, matched) + _NAMED * bool(named) + _WHOLE * whole
    saying = 1 - math.exp(-letters * math.log(2) / _HALF)
    size = _size(layout, matched, n_names / max(1, len(names)))
    score = min(1.0, explained**1.5 * (0.35 + 0.65 * seen) * saying * fitting * size)
    numbers = (round(x, 4) for x in (score, explained, seen, saying, fitting))
    return Guess(dataset, candidate.variant, *numbers, named, whole)


def _letters(layout: Layout, matched: Matched) -> float:
    """Return how much the templates say that names fit: the mean over the names, and a little for each table."""
    known = {(e.slot, e.alternative): e.template.text for e in entries(layout) if e.kind in ("file", "table")}
    refs = [r for group in (*matched.files.values(), *matched.tables.values()) for r in group]
    mean = sum(telling(known[r.slot, r.alternative]) for r in refs) / max(1, len(refs))
    return mean + _TABLE * min(2, sum(len(group) for group in matched.tables.values()))


def _seen(layout: Layout, matched: Matched) -> float:
    required = [n for n, s in layout.files.items() if not s.optional]
    required_tables = [n for n, t in layout.tables.items() if not t.optional]
    there = sum(n in matched.files for n in required) + sum(n in matched.tables for n in required_tables)
    return there / max(1, len(required) + len(required_tables))


def _joining(layout: Layout, matched: Matched, joined: Joined | None) -> float:
    """Share of the files that find their case: wrong datasets with like names do not join.

    Where nothing is there that could make a case (annotations served without their images), nothing can be said.
    """
    total = sum(len(refs) for refs in matched.files.values())
    if joined is None or total == 0 or not any(slot in matched.files for slot in anchor_slots(layout)):
        return 1.0
    astray = len(joined.orphans) + len(joined.duplicates)
    return max(0.2, 1 - astray / total)


def _is_whole(layout: Layout, joined: Joined) -> bool:
    expected = layout.expect.cases if layout.expect is not None else None
    return expected is not None and expected == len(joined.cases) >= 3 and not (joined.missing or joined.orphans)


def _size(layout: Layout, matched: Matched, scale: float) -> float:
    """Doubt a dataset that would have many more files of a kind than the whole release has."""
    if layout.expect is None or not layout.expect.files:
        return 1.0
    for slot, n in layout.expect.files.items():
        if len(matched.files.get(slot, ())) * scale > 1.2 * n:
            return 0.7
    return 1.0


def _named(record: Record, layout: Layout, matched: Matched, called: str) -> str:
    """Return the folder or archive in front of what matched, or the root, that is called like the dataset."""
    known = {_plain(word) for word in (record.id, record.name, *record.aliases, *layout.roots)}
    known = {word for word in known if not is_common(word)}
    groups = (*matched.files.values(), *matched.tables.values())
    fronts = dict.fromkeys(ref.at for refs in groups for ref in (*refs[:50], *refs[-50:]))
    parts = [part.rstrip("!") for front in fronts for part in front.split("/") if part]
    return next((part for part in (called, *parts) if _plain(part) in known), "")


def _plain(name: str) -> str:
    """Return a name in the form in which names are compared: letters and digits, no archive ending."""
    stem = name.lower()
    for ending in (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z"):
        stem = stem.removesuffix(ending)
    return "".join(c for c in stem if c.isalnum())


def by_dataset(identity: Identity) -> Mapping[str, float]:
    """Return score by dataset, for callers that compare answers."""
    return {guess.dataset: guess.score for guess in identity.guesses}
