"""Find datasets: words and filters together, each hit with the reason why it matched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from medshelf.catalogue.ask import Words, understood
from medshelf.catalogue.matching import level, said_of
from medshelf.catalogue.profile import UNKNOWN, Profile, profiles
from medshelf.catalogue.query import Query, Range, Topic

FACETS = (
    "modality",
    "dimension",
    "region",
    "condition",
    "task",
    "annotation",
    "formats",
    "access",
    "licence",
    "host",
    "layout",
)
"""What datasets can be filtered and counted by, besides structures and numbers."""


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
    """What of it answers the topics of the question, in words."""
    holds: tuple[str, ...]
    """What of it passed the filters, in words."""
    score: float
    """Higher is better; only comparable within one answer."""

    def as_dict(self) -> dict[str, Any]:
        """Return the hit as plain values, for JSON."""
        return asdict(self)


def find(
    words: str = "",
    *,
    modality: Words = None,
    dimension: Words = None,
    region: Words = None,
    structure: Words = None,
    condition: Words = None,
    task: Words = None,
    format: Words = None,
    annotation: Words = None,
    access: Words = None,
    licence: Words = None,
    host: Words = None,
    without: Words = None,
    commercial: bool | None = None,
    redistribute: bool | None = None,
    derive: bool | None = None,
    share_alike: bool | None = None,
    min_structures: int | None = None,
    max_structures: int | None = None,
    min_cases: int | None = None,
    max_cases: int | None = None,
    since: int | None = None,
    until: int | None = None,
    has_layout: bool | None = None,
    test_data: bool = False,
    limit: int | None = None,
) -> list[Hit]:
    """Find datasets by words and filters; all of them must agree.

    Parameters
    ----------
    words : str
        Free words or a sentence: "open CT with pancreas masks, at least 100 cases". Synonyms of the vocabulary
        count ("renal" finds kidney), narrower terms too, and typing errors are forgiven.
    modality, dimension, region, structure, condition, task, format : str or list of str
    annotation, access, licence, host : str or list of str
        A term or synonym of the vocabulary; narrower terms are included (abdomen includes liver). Of several all
        must hold. A structure may come with a side, a finding and a part: ``kidney.left/cyst``, "left renal cyst".
    without : str or list of str
        What must not be there: a modality, a task, a structure, a word.
    commercial, redistribute, derive, share_alike : bool, optional
        True: only where every licence of the dataset says so; where nobody says, the dataset is left out.
    min_structures, max_structures : int, optional
        Limits of the number of structures that are named, left and right apart.
    min_cases, max_cases : int, optional
        Limits of the number of cases; a dataset whose number nobody states is left out.
    since, until : int, optional
        Limits of the year of the first release.
    has_layout : bool, optional
        True: only datasets that medshelf can open.
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
    given: dict[str, Words] = {
        "modality": modality, "dimension": dimension, "region": region, "structure": structure,
        "condition": condition, "task": task,
        "formats": format, "annotation": annotation, "access": access, "licence": licence, "host": host,
    }  # fmt: skip
    query = understood(
        words, given, without=without, has_layout=has_layout,
        ranges=(Range("cases", min_cases, max_cases), Range("year", since, until),
                Range("structures", min_structures, max_structures)),
        rights={"commercial": commercial, "redistribute": redistribute, "derive": derive, "share_alike": share_alike},
    )  # fmt: skip
    return search(query, test_data=test_data)[:limit]


def search(query: Query, *, test_data: bool = False) -> list[Hit]:
    """Return the datasets that answer a question, best first.

    Filters, numbers and rights must all hold. Of the topics, the datasets that meet all are kept; when none does,
    those that meet most, and their reasons say what is missing.
    """
    required = _required(query)
    hits: list[tuple[int, Hit]] = []
    for name, profile in profiles().items():
        if profile.kind == "test-data" and not test_data:
            continue
        reasons = _filtered(profile, query)
        if reasons is None:
            continue
        met, score, told = _topics(name, profile, query.topics, required)
        if met is not None:
            hits.append((met, _hit(profile, told, reasons, score)))
    most = max((met for met, _ in hits), default=0)
    least = most - (most == len(required) and len(required) >= _MANY)
    kept = [hit for met, hit in hits if met >= least and (met or not required)]
    return sorted(kept, key=lambda hit: (-hit.score, hit.id))


_MANY = 3
"""Of so many topics a dataset may miss one: an enumeration is seldom meant to hold in full."""


def _required(query: Query) -> frozenset[Topic]:
    """Return the topics that a dataset should meet.

    A loose word, which no vocabulary has, counts when nothing else is asked, or when a name or label begins with it.
    """
    asked = [topic for topic in query.topics if not topic.excluded]
    alone = all(topic.free for topic in asked) and not (query.filters or query.ranges or query.rights)
    return frozenset(topic for topic in asked if alone or not topic.free or _is_telling(topic.said))


def _is_telling(word: str) -> bool:
    return any(strength >= _SURE for strength in said_of((word,), True).values())


def _filtered(profile: Profile, query: Query) -> list[str] | None:
    """Return why a dataset passes the filters; None when it does not."""
    reasons: list[str] = []
    for one in query.filters:
        found = [value for value in profile.facets.get(one.facet, ()) if value in one.values]
        if bool(found) == one.excluded:
            return None
        if found:
            reasons.append(f"{one.facet} {', '.join(found[:4])}")
    for limit in query.ranges:
        n = profile.numbers.get(limit.facet)
        if n is None or (limit.least is not None and n < limit.least) or (limit.most is not None and n > limit.most):
            return None
        reasons.append(f"{limit.facet} {n:g}")
    for right in query.rights:
        if profile.rights.get(right) != "yes":
            return None
        reasons.append(f"{right} yes")
    return reasons


def _topics(
    name: str, profile: Profile, topics: Iterable[Topic], required: frozenset[Topic]
) -> tuple[int | None, float, list[str]]:
    """Return how many of the required topics a dataset meets, its score and why; None when it has what it must not."""
    met, score, reasons, missing = 0, 0.0, [], []
    for topic in topics:
        strength, told = max((level(name, profile, one) for one in (topic, *topic.others)), key=lambda found: found[0])
        if topic.excluded:
            if strength >= _SURE:
                return None, 0.0, []
        elif strength:
            met, score = met + (topic in required), score + strength
            reasons.append(told)
        else:
            missing.append(topic.said)
    if missing:
        reasons.append(f"not {', '.join(missing)}")
    return met, score, reasons


_SURE = 0.7
"""From this strength on something is said of a dataset in more than passing: by a name, a label, a facet."""


def _hit(profile: Profile, why: list[str], holds: list[str], score: float) -> Hit:
    cases = profile.numbers.get("cases")
    return Hit(
        id=profile.id,
        name=profile.name,
        modality=profile.facets.get("modality", (UNKNOWN,)),
        region=profile.facets.get("region", (UNKNOWN,)),
        task=profile.facets.get("task", (UNKNOWN,)),
        cases=int(cases) if cases is not None else UNKNOWN,
        licence=tuple(dict.fromkeys(profile.licences)),
        access=next(iter(profile.facets.get("access", ())), "unknown"),
        why=tuple(why),
        holds=tuple(holds),
        score=round(score, 3),
    )


def loosened(query: Query) -> dict[str, int]:
    """Return, for a question without an answer, what to leave out of it and how many datasets there would be then."""
    found: dict[str, int] = {}
    for part in ("topics", "filters", "ranges", "rights"):
        every = getattr(query, part)
        for n, one in enumerate(every):
            less = replace(query, **{part: every[:n] + every[n + 1 :]})
            hits = search(less)
            if hits:
                found[replace(Query(), **{part: (one,)}).in_words()] = len(hits)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def facets(hits: Iterable[Hit]) -> dict[str, dict[str, int]]:
    """Return, for each facet, how many of these datasets have each of its values, most frequent first."""
    known = profiles()
    found = [known[hit.id] for hit in hits]
    counts = {facet: Counter(v for one in found for v in one.facets.get(facet, ())) for facet in FACETS}
    counts["structure"] = Counter(base for one in found for base in {s.base for s in one.structures})
    return {facet: dict(sorted(count.items(), key=lambda item: (-item[1], item[0]))) for facet, count in counts.items()}
