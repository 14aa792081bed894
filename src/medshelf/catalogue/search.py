"""Find datasets: words and filters together, each hit with the reason why it matched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from medshelf.catalogue.matching import level, said_of
from medshelf.catalogue.profile import UNKNOWN, Profile, profiles
from medshelf.catalogue.query import RIGHTS, Filter, Query, Range
from medshelf.catalogue.sentence import exclude, read_sentence
from medshelf.catalogue.structure_query import understand
from medshelf.catalogue.vocabulary import fold, narrower, nearest, term, terms
from medshelf.errors import UnknownTerm

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


Words = str | Sequence[str] | None


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


def understood(
    words: str,
    given: dict[str, Words],
    *,
    without: Words = None,
    ranges: Iterable[Range] = (),
    rights: dict[str, bool | None] | None = None,
    has_layout: bool | None = None,
) -> Query:
    """Return what is asked for: what the words say and, on top of it, the filters; raises as `find`."""
    query = read_sentence(words, _parts())
    topics, filters = list(query.topics), list(query.filters)
    for facet, values in given.items():
        filters += [_filter(facet, value) for value in _several(values)]
    for text in _several(without):
        no_topics, no_filters = exclude(text, _parts())
        topics, filters = topics + no_topics, filters + no_filters
    if has_layout:
        filters.append(Filter("layout", "described", frozenset({"seen", "listing", "official", "code", "page"})))
    limits = [one for one in ranges if (one.least, one.most) != (None, None)]
    kept = [one for one in query.ranges if one.facet not in {limit.facet for limit in limits}]
    allowed = [right for right in RIGHTS if right in query.rights or (rights or {}).get(right)]
    return replace(
        query,
        topics=tuple(topics),
        filters=tuple(dict.fromkeys(filters)),
        ranges=(*kept, *limits),
        rights=tuple(allowed),
    )


def _several(values: Words) -> Sequence[str]:
    return () if values is None else (values,) if isinstance(values, str) else values


def _filter(facet: str, value: str) -> Filter:
    if facet == "structure":
        return Filter(facet, value, frozenset(_structures(value)))
    if facet in ("dimension", "formats"):
        known = {v for one in profiles().values() for v in one.facets.get(facet, ())}
        same = {v for v in known if fold(v) == fold(value)}
        if not same:
            raise UnknownTerm(f"{value!r} is not a {facet.removesuffix('s')} of the shelf", hint=nearest(value, known))
        return Filter(facet, value, frozenset(same))
    said = [one for one in read_sentence(value).filters if one.facet == facet and not one.excluded]
    if len(said) == 1 and " " in value:  # "CT or MR", "open or click-through", "Creative Commons"
        return said[0]
    pieces = [term(facet, piece).id for piece in value.split(" or ")]
    below = frozenset().union(*(narrower(facet, piece) for piece in pieces))
    return Filter(facet, " or ".join(pieces), below)


def _parts() -> set[str]:
    return {s.part for one in profiles().values() for s in one.structures if s.part}


def _structures(value: str) -> set[str]:
    """Return the structures of the shelf that a name or words mean ("renal mass"); none may be annotated."""
    known = {name: structures for one in profiles().values() for name, structures in one.named.items()}
    wanted = understand(value, _parts())
    if not wanted:
        hint = nearest(value, {*terms("structure"), *terms("finding"), *known})
        raise UnknownTerm(f"{value!r} is not a structure of the vocabulary, or names several", hint=hint)
    return {name for name, every in known.items() if any(w.met_by(one) for w in wanted for one in every)}


def search(query: Query, *, test_data: bool = False) -> list[Hit]:
    """Return the datasets that answer a question, best first.

    Filters, numbers and rights must all hold. Of the topics, the datasets that meet all are kept; when none does,
    those that meet most, and their reasons say what is missing.
    """
    hits: list[tuple[int, Hit]] = []
    for name, profile in profiles().items():
        if profile.kind == "test-data" and not test_data:
            continue
        reasons = _filtered(profile, query)
        if reasons is None:
            continue
        met, score, told = _topics(name, profile, query)
        if met is not None:
            hits.append((met, _hit(profile, told, reasons, score)))
    most = max((met for met, _ in hits), default=0)
    n_required = _n_required(query)
    least = most - (most == n_required and n_required >= _MANY)
    kept = [hit for met, hit in hits if met >= least and (met or not n_required)]
    return sorted(kept, key=lambda hit: (-hit.score, hit.id))


_MANY = 3
"""Of so many topics a dataset may miss one: an enumeration is seldom meant to hold in full."""


def _n_required(query: Query) -> int:
    """Return the number of topics that a dataset should meet; loose words count only where nothing else is asked."""
    asked = [topic for topic in query.topics if not topic.excluded]
    alone = all(topic.free for topic in asked) and not (query.filters or query.ranges or query.rights)
    return sum(alone or not topic.free or _names_some(topic.said) for topic in asked)


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


def _topics(name: str, profile: Profile, query: Query) -> tuple[int | None, float, list[str]]:
    """Return how many topics a dataset meets (None when it has one that it must not have), score and reasons."""
    met, score, reasons, missing = 0, 0.0, [], []
    free_counts = all(topic.free for topic in query.topics) and not (query.filters or query.ranges or query.rights)
    for topic in query.topics:
        strength, told = max((level(name, profile, one) for one in (topic, *topic.others)), key=lambda found: found[0])
        if topic.excluded:
            if strength >= _SURE:
                return None, 0.0, []
        elif strength:
            counts = free_counts or not topic.free or _names_some(topic.said)
            met, score = met + counts, score + strength
            reasons.append(told)
        else:
            missing.append(topic.said)
    if missing:
        reasons.append(f"not {', '.join(missing)}")
    return met, score, reasons


def _names_some(word: str) -> bool:
    """Return whether a word begins the name of a dataset: such a word is never left out."""
    return any(strength >= 0.8 for strength in said_of((word,), True).values())


_SURE = 0.7
"""From this strength on a dataset counts as being about something that is excluded."""


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
