"""Say which dataset, and which repackaging of it, a list of names is; or that it is none that is known.

Every layout of the shelf is tried on a sample of the names. What counts: how many of the names it explains, how
many of its required kinds of file are there, and how much its templates say (``imagesTr/word_{n:4d}.nii.gz``
says more than ``{id}.png``), because a loose template fits anything.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medshelf.layout.join import join
from medshelf.layout.match import Matched, entries, is_junk, is_paperwork, match_names
from medshelf.layout.variants import layouts_of
from medshelf.model.dataset import Record
from medshelf.model.layout import Layout

SAMPLE = 3000
"""Number of names that are looked at."""
CERTAIN = 0.5
"""Least score at which an answer is given; below it a tree is unknown."""
_BITS_FOR_HALF = 9.0
"""Literal characters after which a template is believed half."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One dataset that names may be."""

    dataset: str
    variant: str
    score: float
    """From 0 to 1."""
    explained: float
    """Share of the names that its layout explains."""
    seen: float
    """Share of its required kinds of file that are there."""
    saying: float
    """How much its templates say, from 0 (fits anything) to 1."""


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


def identify_names(names: Sequence[str], records: Iterable[Record], *, most: int = 5) -> Identity:
    """Return which dataset a list of names is.

    Parameters
    ----------
    names : sequence of str
        Names below a root, with ``/`` between folders.
    records : iterable of Record
        The shelf; records without a layout are passed over.
    most : int
        Number of guesses to return.
    """
    useful = [name for name in names if not is_junk(name)]
    sample = _sample(useful)
    guesses: list[Guess] = []
    for record in records:
        if record.layout is None:
            continue
        tried = [_guess(record.id, v, layout, sample, useful) for v, layout in layouts_of(record).items()]
        guesses.append(max(tried, key=lambda g: g.score))
    guesses.sort(key=lambda g: (-g.score, g.dataset))
    best = guesses[0] if guesses else None
    if best is None or best.score < CERTAIN:
        return Identity(None, "", tuple(guesses[:most]), len(names))
    return Identity(best.dataset, best.variant, tuple(guesses[:most]), len(names))


def _sample(names: Sequence[str]) -> list[str]:
    """Choose names evenly from all folders, always the same ones."""
    if len(names) <= SAMPLE:
        return list(names)
    return random.Random(0).sample(list(names), SAMPLE)


def _guess(dataset: str, variant: str, layout: Layout, sample: Sequence[str], names: Sequence[str]) -> Guess:
    matched = match_names(layout, sample)
    explained, saying = _explained(layout, matched, sample)
    if explained == 0:
        return Guess(dataset, variant, 0.0, 0.0, 0.0, 0.0)
    seen = _seen(layout, matched)
    joined = _joining(layout, matched) if len(sample) == len(names) else 1.0
    score = explained**1.5 * (0.35 + 0.65 * seen) * saying * joined * _size(layout, matched, sample, names)
    score = min(1.0, score * (1.15 if _at_root(layout, matched) else 1.0))
    return Guess(dataset, variant, round(score, 4), round(explained, 4), round(seen, 4), round(saying, 4))


def _explained(layout: Layout, matched: Matched, sample: Sequence[str]) -> tuple[float, float]:
    """Share of the names that files, tables and sidecars explain, and how much those templates say."""
    known = {(e.slot, e.alternative): e.template for e in entries(layout) if e.kind in ("file", "table")}
    refs = [r for group in (*matched.files.values(), *matched.tables.values()) for r in group]
    n_explained = len({r.name for r in refs}) + len(matched.sidecars)
    rest = sum(1 for name in matched.extra if not is_paperwork(name))
    if n_explained == 0:
        return 0.0, 0.0
    lengths = [known[(r.slot, r.alternative)].literal_length for r in refs if (r.slot, r.alternative) in known]
    tables = sum(1 for group in matched.tables.values() for _ in group)
    mean = sum(lengths) / max(1, len(lengths)) + 2 * min(tables, 2)
    return n_explained / (n_explained + rest), 1 - math.exp(-mean * math.log(2) / _BITS_FOR_HALF)


def _seen(layout: Layout, matched: Matched) -> float:
    required = [n for n, s in layout.files.items() if not s.optional]
    required_tables = [n for n, t in layout.tables.items() if not t.optional]
    there = sum(n in matched.files for n in required) + sum(n in matched.tables for n in required_tables)
    return there / max(1, len(required) + len(required_tables))


def _joining(layout: Layout, matched: Matched) -> float:
    """Share of the files that find their case: wrong datasets with like names do not join."""
    joined = join(layout, matched)
    astray = len(joined.orphans) + len(joined.duplicates)
    total = sum(len(refs) for refs in matched.files.values())
    return 1.0 if total == 0 else max(0.2, 1 - astray / total)


def _size(layout: Layout, matched: Matched, sample: Sequence[str], names: Sequence[str]) -> float:
    """Doubt a dataset that would have many more files of a kind than the whole release has."""
    if layout.expect is None or not layout.expect.files:
        return 1.0
    scale = len(names) / max(1, len(sample))
    for slot, n in layout.expect.files.items():
        if len(matched.files.get(slot, ())) * scale > 1.2 * n:
            return 0.7
    return 1.0


def _at_root(layout: Layout, matched: Matched) -> bool:
    """True when a top folder or archive of the release stands in front of what matched."""
    wanted = {root.lower() for root in layout.roots}
    if not wanted:
        return False
    fronts = {ref.at for refs in matched.files.values() for ref in refs[:50]}
    return any(wanted & _parts(front) for front in fronts)


def _parts(front: str) -> set[str]:
    return {part.rstrip("!").lower() for part in front.split("/") if part}


def by_dataset(identity: Identity) -> Mapping[str, float]:
    """Return score by dataset, for callers that compare answers."""
    return {guess.dataset: guess.score for guess in identity.guesses}
