"""What is asked of the shelf: topics, filters, numbers and rights, and how each is said."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from medshelf.catalogue.structure_query import Wanted

RIGHTS = ("commercial", "redistribute", "derive", "share_alike")
"""Terms of a licence that can be asked for; the words of vocabulary/licence.toml."""
NUMBERS = ("cases", "year", "structures")


@dataclass(frozen=True, slots=True)
class Filter:
    """One facet of a dataset that must have one of these values, or none of them."""

    facet: str
    """modality, task, region, structure, dimension, formats, annotation, access, licence, host, kind or layout."""
    said: str
    """How it was asked for."""
    values: frozenset[str]
    """Terms that will do: the one that was said and everything narrower."""
    excluded: bool = False
    """True: none of the values may be there."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number that must lie between two others, both included."""

    facet: str
    """One of `NUMBERS`; structures counts those that are named, left and right apart."""
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that a dataset is about: an organ, a finding, a word.

    A dataset meets it best with an annotated structure, then with its region, then with what is said of it.
    """

    said: str
    """The words of the question."""
    wanted: tuple[Wanted, ...] = ()
    """Structures that meet it; any of them will do."""
    facets: tuple[tuple[str, frozenset[str]], ...] = ()
    """Values of facets that meet it: regions, conditions."""
    words: tuple[tuple[str, ...], ...] = ()
    """Groups of words of the same meaning; one of each group must be said of the dataset."""
    free: bool = False
    """True for words that no vocabulary knows: they are looked for as beginnings of words."""
    excluded: bool = False
    """True: what it is about must not be there."""
    others: tuple[Topic, ...] = ()
    """Topics joined to it by «or»."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the shelf; everything in it must hold."""

    topics: tuple[Topic, ...] = ()
    filters: tuple[Filter, ...] = ()
    ranges: tuple[Range, ...] = ()
    rights: tuple[str, ...] = ()
    """What every licence of the dataset must allow."""
    corrections: tuple[tuple[str, str], ...] = ()
    """Words that no record knows, and how they were read."""

    def in_words(self) -> str:
        """Return what is asked, in plain English."""
        said = [*map(_topic, self.topics), *map(_filter, self.filters), *map(_range, self.ranges)]
        said += [f"{_RIGHT_WORDS[right]} (every licence says so)" for right in self.rights]
        said += [f"reading «{typed}» as «{read}»" for typed, read in self.corrections]
        return "; ".join(said) or "everything"

    def as_options(self) -> str:
        """Return the options of ``medshelf find`` that ask the same, to be corrected by hand."""
        return shlex.join(_options(self))


_RIGHT_WORDS = {
    "commercial": "commercial use is allowed",
    "redistribute": "redistribution is allowed",
    "derive": "derived works are allowed",
    "share_alike": "derived works keep the licence",
}
_FACET_WORDS = {"formats": "format", "annotation": "annotated", "layout": "medshelf can open it"}


def _topic(topic: Topic) -> str:
    said = " or ".join(one.said for one in (topic, *topic.others))
    return f"not about {said}" if topic.excluded else f"about {said}"


def _filter(one: Filter) -> str:
    if one.facet == "layout":
        return _FACET_WORDS["layout"]
    return f"{_FACET_WORDS.get(one.facet, one.facet)} {'not ' if one.excluded else ''}{one.said}"


def _range(one: Range) -> str:
    words = ("since {}", "until {}") if one.facet == "year" else ("at least {:,} ", "at most {:,} ")
    words = words if one.facet == "year" else (words[0] + one.facet, words[1] + one.facet)
    limits = zip(words, (one.least, one.most), strict=True)
    return " and ".join(text.format(limit) for text, limit in limits if limit is not None)


def _range_options(one: Range) -> Iterator[str]:
    names = ("--since", "--until") if one.facet == "year" else (f"--min-{one.facet}", f"--max-{one.facet}")
    for name, number in zip(names, (one.least, one.most), strict=True):
        if number is not None:
            yield from (name, str(number))


def _options(query: Query) -> Iterator[str]:
    for topic in query.topics:
        if topic.excluded:
            yield from ("--without", topic.said)
        else:
            yield " or ".join(one.said for one in (topic, *topic.others))
    for one in query.filters:
        if one.facet == "layout":
            yield "--has-layout"
        elif one.excluded:
            yield from ("--without", one.said)
        else:
            yield from (f"--{'format' if one.facet == 'formats' else one.facet}", one.said)
    for one in query.ranges:
        yield from _range_options(one)
    yield from (f"--{right.replace('_', '-')}" for right in query.rights)
