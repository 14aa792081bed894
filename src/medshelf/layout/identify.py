"""Say which dataset, and which repackaging of it, a list of names is; or that it is none that is known.

All layouts of the shelf are tried on a few names of every shape; those that explain some are then matched
and joined in full. What counts (each stands in the `Guess`): how many of the names a layout explains, how
many of its required kinds of file are there, whether files find their cases, how much its templates say,
whether a folder is called like the dataset, and whether there are just as many cases as the release has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medshelf.layout.bulk import collector_paused
from medshelf.layout.evidence import Candidate, Guess, Names, weigh
from medshelf.layout.match import Entry, canonical, entries, is_junk, is_paperwork
from medshelf.layout.naming import closed_archives, own_archives, plain
from medshelf.layout.shapes import by_shape, part_of, some_of
from medshelf.layout.telling import letters, telling
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
_LEAST = 0.05
"""Least share of the names that a layout explains to be looked at again."""


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
class _Name:
    """One of the few names of the first look."""

    name: str
    low: str
    """In lower case."""
    weight: float
    """How many names it stands for."""
    beside: bool
    """Paperwork, or an archive that nobody has looked into: no evidence against a dataset."""


@collector_paused()
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
    closed = closed_archives(useful)
    few = some_of(groups, FIRST_LOOK)
    candidates = _candidates(records, few, closed)
    whole_list = len(useful) <= ALL
    looked_at = useful if whole_list else part_of(groups, useful, SAMPLE)
    there = Names(looked_at, len(useful) / max(1, len(looked_at)), whole_list, closed, called)
    found = [weigh(candidate, there) for candidate in candidates[:SECOND_LOOK]]
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


def _candidates(
    records: Iterable[Record], few: Mapping[str, float], closed: Collection[str]
) -> list[Candidate]:
    """Return the layouts that explain some of a few names, the most promising first."""
    looked_at = [
        _Name(name, name.lower(), weight, is_paperwork(name) or name in closed)
        for name, weight in few.items()
    ]
    found = [
        Candidate(record, variant, layout, record.layout.expect, promise)
        for record in records
        if record.layout is not None
        for variant, layout in layouts_of(record).items()
        if (promise := _promise(record, layout, looked_at, closed)) > 0
    ]
    return sorted(found, key=lambda c: (-c.promise, c.record.id))


def _promise(record: Record, layout: Layout, few: Sequence[_Name], closed: Collection[str]) -> float:
    """Return share of the names that a layout explains, times how much that says."""
    tests = [(e.template.ending, e.template.regex.fullmatch, e) for e in entries(layout)]
    explained = said = rest = 0.0
    for name in few:
        entry = _first_fit(tests, name)
        if entry is None:
            rest += 0.0 if name.beside else name.weight
        elif entry.kind != "ignore":
            explained += name.weight
            said += name.weight * telling(entry.template.text)
    for archive in own_archives(record, layout, closed):
        explained += 1
        said += letters(plain(archive))
    share = explained / max(1e-9, explained + rest)
    return share * (1 + said / explained) if share >= _LEAST else 0.0


def _first_fit(tests: Sequence[tuple[str, Any, Entry]], name: _Name) -> Entry | None:
    low = name.low
    for ending, fullmatch, entry in tests:
        if low.endswith(ending) and fullmatch(name.name) is not None:
            return entry
    return None
