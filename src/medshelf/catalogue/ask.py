"""What a person asks: the words of a question and the filters beside them, as one query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from medshelf.catalogue.profile import profiles
from medshelf.catalogue.query import RIGHTS, Filter, Query, Range
from medshelf.catalogue.sentence import exclude, read_sentence
from medshelf.catalogue.structure_query import understand
from medshelf.catalogue.vocabulary import fold, narrower, nearest, term, terms
from medshelf.errors import UnknownTerm

Words = str | Sequence[str] | None
"""One word, several that must all hold, or none."""


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
