"""Find datasets: words and filters together, each hit with the reason why it matched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from medshelf.catalogue import shelf
from medshelf.catalogue.structure_query import understand
from medshelf.catalogue.vocabulary import fold, narrower, nearest, term, terms
from medshelf.errors import UnknownTerm
from medshelf.model.dataset import UNKNOWN, Record
from medshelf.model.structure import parse


@dataclass(frozen=True, slots=True)
class Hit:
    """A dataset that was found."""

    id: str
    """Id of the record."""
    name: str
    """Its name."""
    modality: tuple[str, ...]
    """Terms of the vocabulary."""
    region: tuple[str, ...]
    """Terms of the vocabulary."""
    task: tuple[str, ...]
    """Terms of the vocabulary."""
    cases: int | str
    """Number of cases of the whole release, or ``"unknown"``."""
    licence: tuple[str, ...]
    """Licence of each part, each once."""
    access: str
    """What has to be done to get the bytes."""
    why: tuple[str, ...]
    """What matched, in words."""
    score: float
    """Higher is better; only comparable within one answer."""

    def as_dict(self) -> dict[str, Any]:
        """Return the hit as plain values, for JSON."""
        return asdict(self)


def find(
    words: str = "",
    *,
    modality: str | None = None,
    region: str | None = None,
    task: str | None = None,
    structure: str | None = None,
    access: str | None = None,
    licence: str | None = None,
    commercial: bool | None = None,
    min_cases: int | None = None,
    test_data: bool = False,
    limit: int | None = None,
) -> list[Hit]:
    """Find datasets by words and filters; all of them must agree.

    Parameters
    ----------
    words : str
        Free words; synonyms of the vocabulary count ("renal" finds kidney).
    modality, region, task, structure, access, licence : str, optional
        A term or synonym of the vocabulary; narrower terms are included (abdomen includes liver).
        A structure may come with a side, a finding and a part: ``kidney.left/cyst``, "left renal cyst".
    commercial : bool, optional
        True: only where every licence of the dataset allows commercial use.
    min_cases : int, optional
        At least so many cases; a dataset whose number nobody states is left out.
    test_data : bool
        Also small collections that are kept for testing readers.
    limit : int, optional
        At most so many hits.

    Returns
    -------
    list of Hit
        Best first.

    Raises
    ------
    UnknownTerm
        A filter is no term of its vocabulary; the message names the nearest.
    """
    asked = {"modality": modality, "region": region, "task": task, "structure": structure,
             "access": access, "licence": licence}  # fmt: skip
    reasons: dict[str, list[str]] = {name: [] for name in shelf.ids()}
    for facet, value in asked.items():
        if value is not None:
            _narrow(reasons, facet, value)
    scores = _by_words(words, set(reasons)) if words.strip() else dict.fromkeys(reasons, (0.0, ""))
    hits = []
    for name, why in reasons.items():
        if name not in scores:
            continue
        record = shelf.load(name)
        if not _allowed(record, commercial, min_cases) or (record.kind == "test-data" and not test_data):
            continue
        score, said = scores[name]
        hits.append(_hit(record, (*why, said) if said else tuple(why), score))
    hits.sort(key=lambda hit: (-hit.score, hit.id))
    return hits[:limit]


def _narrow(reasons: dict[str, list[str]], facet: str, value: str) -> None:
    """Keep only the datasets that have a value of a facet, and note why."""
    wanted = _structures(value) if facet == "structure" else narrower(facet, term(facet, value).id)
    marks = ", ".join("?" * len(wanted))
    query = f"select id, group_concat(value, ', ') from facet where facet = ? and value in ({marks}) group by id"
    found = dict(shelf.connect().execute(query, (facet, *sorted(wanted))))
    for name in list(reasons):
        if name in found:
            reasons[name].append(f"{facet} {found[name]}")
        else:
            del reasons[name]


def _structures(value: str) -> set[str]:
    """Return the structures of the shelf that a name or words mean ("renal mass"); none may be annotated."""
    rows = shelf.connect().execute("select distinct value from facet where facet = 'structure'")
    known = {str(row[0]): parse(str(row[0])) for row in rows}
    wanted = understand(value, {one.part for every in known.values() for one in every if one.part})
    if not wanted:
        hint = nearest(value, {*terms("structure"), *terms("finding"), *known})
        raise UnknownTerm(f"{value!r} is not a structure of the vocabulary, or names several", hint=hint)
    return {name for name, every in known.items() if any(w.met_by(one) for w in wanted for one in every)}


def _by_words(words: str, candidates: Iterable[str]) -> dict[str, tuple[float, str]]:
    """Return score and reason of the datasets that match free words: those that match most of them."""
    tokens = list(dict.fromkeys(t for t in re.findall(r"[\w-]+", words.lower()) if t not in _STOP))
    if not tokens:
        return dict.fromkeys(candidates, (0.0, ""))
    matched: dict[str, list[str]] = {}
    for token in tokens:
        query = "select id from words where words match ?"
        for (name,) in shelf.connect().execute(query, (_quoted(token),)):
            matched.setdefault(str(name), []).append(token)
    matched = {name: told for name, told in matched.items() if name in set(candidates)}
    most = max(map(len, matched.values()), default=0)
    query = "select id, -bm25(words, 0, 8, 4, 1) from words where words match ?"
    scores = dict(shelf.connect().execute(query, (" OR ".join(map(_quoted, tokens)),)))
    found = {n: (float(scores[n]), _said(told, tokens)) for n, told in matched.items() if len(told) == most}
    exact = fold(words)
    for name in found:
        if exact in (fold(name), fold(shelf.load(name).name)):
            found[name] = (found[name][0] + 1000, "its name")
    return found


def _quoted(token: str) -> str:
    return '"' + token.replace('"', "") + '"*'


def _said(matched: list[str], tokens: list[str]) -> str:
    missed = [t for t in tokens if t not in matched]
    return f"{', '.join(matched)}" + (f" (not {', '.join(missed)})" if missed else "")


_STOP = frozenset(
    ("a", "an", "and", "any", "are", "at", "all", "by", "data", "dataset", "datasets", "for", "from", "in", "is", "of",
     "on", "or", "the", "to", "with")
)  # fmt: skip


def _allowed(record: Record, commercial: bool | None, min_cases: int | None) -> bool:
    if min_cases is not None:
        n = record.facts.cases.value
        if not isinstance(n, int | float) or n < min_cases:
            return False
    if commercial:
        known = terms("licence")
        said = [known[x.id].facts.get("terms", {}).get("commercial") for x in record.licences if x.id in known]
        return bool(said) and all(answer == "yes" for answer in said)
    return True


def _hit(record: Record, why: tuple[str, ...], score: float) -> Hit:
    facts = record.facts
    cases = facts.cases.value
    return Hit(
        id=record.id,
        name=record.name,
        modality=_words(facts.modality.value),
        region=_words(facts.region.value),
        task=_words(facts.task.value),
        cases=int(cases) if isinstance(cases, int | float) else UNKNOWN,
        licence=tuple(dict.fromkeys(licence.id for licence in record.licences)),
        access=record.access.kind,
        why=why,
        score=round(score, 3),
    )


def _words(value: Any) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)


def filters_in_words(filters: Mapping[str, object]) -> str:
    """Return what was asked, in plain English."""
    said = [f"{k.replace('_', ' ')} {v}" for k, v in filters.items() if v not in (None, False, "")]
    return ", ".join(said) or "everything"
