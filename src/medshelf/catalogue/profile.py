"""What of each dataset is compared with a question: its facets, numbers, structures and rights, held in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from medshelf.catalogue import shelf
from medshelf.catalogue.vocabulary import terms
from medshelf.model.structure import Structure, parse

UNKNOWN = "unknown"
"""`medshelf.model.dataset.UNKNOWN`, whose module is slow to import."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The searchable side of one record."""

    id: str
    name: str
    kind: str
    names: frozenset[str]
    """Its id, name and other names, folded."""
    facets: dict[str, tuple[str, ...]]
    """Values by facet, in the record's order."""
    numbers: dict[str, float]
    """cases, year, patients, size_bytes, where stated."""
    named: dict[str, tuple[Structure, ...]]
    """The structures that it names, each with what its name stands for."""
    structures: tuple[Structure, ...]
    """All of them."""
    licences: tuple[str, ...]
    rights: dict[str, str]
    """yes, no or unknown by term of use; what all its licences together allow."""


@cache
def profiles() -> dict[str, Profile]:
    """Return the profiles of all records by id, in the order of ids."""
    aliases: dict[str, set[str]] = {}
    for alias, name in shelf.connect().execute("select alias, id from alias"):
        aliases.setdefault(name, set()).add(alias)
    rows = shelf.connect().execute("select id, name, kind, licences, facets from record order by id")
    return {
        name: _profile(name, called, kind, json.loads(licences), aliases[name], json.loads(facets))
        for name, called, kind, licences, facets in rows
    }


def _profile(
    name: str, called: str, kind: str, licences: list[str], aliases: set[str], told: dict[str, list[Any]]
) -> Profile:
    facets = {facet: tuple(dict.fromkeys(values)) for facet, values in told.items() if isinstance(values[0], str)}
    named = {text: parse(text) for text in sorted(facets.get("structure", ()))}
    return Profile(
        id=name,
        name=called,
        kind=kind,
        names=frozenset(aliases),
        facets=facets,
        numbers={facet: values[0] for facet, values in told.items() if not isinstance(values[0], str)},
        named=named,
        structures=tuple(one for every in named.values() for one in every),
        licences=tuple(licences),
        rights=rights_of(licences),
    )


def rights_of(licences: Iterable[str]) -> dict[str, str]:
    """Return what several licences together allow: no if one forbids it, yes if all allow it, else unknown."""
    return dict(_rights_of(frozenset(licences)))


@cache
def _rights_of(licences: frozenset[str]) -> dict[str, str]:
    known = terms("licence")
    every = [known[name].facts.get("terms", {}) if name in known else {} for name in licences]
    found = {}
    for term in {term for one in every for term in one}:
        said = {one.get(term, "unknown") for one in every}
        found[term] = "no" if "no" in said else "yes" if said == {"yes"} else "unknown"
    return found
