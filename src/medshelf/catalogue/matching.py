"""How well a dataset meets a topic: by an annotated structure, by its region, or by what is said of it."""

from __future__ import annotations

from functools import lru_cache

from medshelf.catalogue import shelf
from medshelf.catalogue.profile import Profile, profiles
from medshelf.catalogue.query import Topic
from medshelf.catalogue.structure_query import Wanted
from medshelf.catalogue.vocabulary import american, fold
from medshelf.model.structure import Structure

_NAME, _STRUCTURE, _FACET, _LABEL, _BODY = 100.0, 1.0, 0.9, 0.8, 0.4
"""Strengths. A name outweighs all; the body is what a record says in sentences, often of other datasets too."""
_LEAST_LETTERS = 5
_NAMED_AFTER = 0.2
"""What it adds that a dataset is named after an annotated structure: that is what it is made for."""


_FOCUSED = 4
"""With more values of a facet than this a dataset is a mixture, and about none of them in particular."""


def level(name: str, profile: Profile, topic: Topic) -> tuple[float, str]:
    """Return how strongly a dataset is about a topic (0: not at all), and why."""
    if fold(topic.said) in profile.names:
        return _NAME, "its name"
    wanted = _meeting(topic.wanted)
    found = [one for one in profile.structures if one in wanted] if wanted else []
    if found:
        after = _NAMED_AFTER * _is_named_after(profile, fold(topic.said))
        return _STRUCTURE + after + min(len(found), 40) / 400, f"structure {_some(found)}"
    for facet, values in topic.facets:
        stated = profile.facets.get(facet, ())
        met = [value for value in stated if value in values]
        if met:
            return (_FACET if len(stated) <= _FOCUSED else _LABEL), f"{facet} {', '.join(met)}"
    if not topic.words:
        return 0.0, ""
    strongest = [said_of(group, topic.free) for group in topic.words]
    weakest = min(
        max(one.get(name, 0.0), _by_facet(profile, group)) for one, group in zip(strongest, topic.words, strict=True)
    )
    return weakest, f"its words: {topic.said}" if weakest else ""


def _is_named_after(profile: Profile, said: str) -> bool:
    """Return whether a name holds a word; names are folded, without gaps, so short words would be found anywhere."""
    return len(said) >= _LEAST_LETTERS and any(said in name for name in profile.names)


@lru_cache(maxsize=1024)
def _meeting(wanted: tuple[Wanted, ...]) -> frozenset[Structure]:
    """Return the structures of the whole shelf that meet what is wanted; worked out once for all datasets."""
    named = {one for profile in profiles().values() for one in profile.structures} if wanted else set[Structure]()
    return frozenset(one for one in named if any(each.met_by(one) for each in wanted))


def _by_facet(profile: Profile, words: tuple[str, ...]) -> float:
    """Return how strongly one of these words names a region of the dataset: the organ of a finding."""
    return _LABEL if {fold(word) for word in words} & {fold(r) for r in profile.facets.get("region", ())} else 0.0


def _some(structures: list[Structure], most: int = 4) -> str:
    names = list(dict.fromkeys(str(one).removesuffix("#instance") for one in structures))
    return ", ".join(names[:most]) + (f" +{len(names) - most}" if len(names) > most else "")


@lru_cache(maxsize=4096)
def said_of(words: tuple[str, ...], begun: bool) -> dict[str, float]:
    """Return the datasets of which one of these words is said, with the strength of the place where it stands."""
    found: dict[str, float] = {}
    wanted = " OR ".join(_quoted(american(word)) + ("*" if begun and len(word) > 3 else "") for word in words)
    for columns, strength in (("body", _BODY), ("raw", _LABEL), ("name", 1.0)):
        query = "select id from words where words match ?"
        for (name,) in shelf.connect().execute(query, (f"{{{columns}}} : ({wanted})",)):
            found[str(name)] = strength
    return found


def _quoted(word: str) -> str:
    return '"' + "".join(c for c in word if c.isprintable() and c != '"') + '"'
