"""What of each dataset is compared with a question: its facets, numbers, structures and rights, held in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from medshelf.catalogue import shelf
from medshelf.catalogue.vocabulary import fold, terms
from medshelf.model.structure import Structure, parse


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
    facets: dict[str, dict[str, dict[str, None]]] = {}
    numbers: dict[str, dict[str, float]] = {}
    for name, facet, value, number in shelf.connect().execute("select id, facet, value, number from facet order by rowid"):
        if number is None:
            facets.setdefault(name, {}).setdefault(facet, {})[value] = None
        else:
            numbers.setdefault(name, {})[facet] = number
    aliases: dict[str, set[str]] = {}
    for alias, name in shelf.connect().execute("select alias, id from alias"):
        aliases.setdefault(name, set()).add(alias)
    rows = shelf.connect().execute("select id, name, kind, licences from record order by id")
    return {
        name: _profile(
            name, called, kind, json.loads(licences), aliases[name], facets.get(name, {}), numbers.get(name, {})
        )
        for name, called, kind, licences in rows
    }


def _profile(
    name: str,
    called: str,
    kind: str,
    licences: list[str],
    aliases: set[str],
    facets: dict[str, dict[str, None]],
    numbers: dict[str, float],
) -> Profile:
    named = {text: parse(text) for text in sorted(facets.get("structure", ()))}
    return Profile(
        id=name,
        name=called,
        kind=kind,
        names=frozenset({*aliases, fold(name), fold(called)}),
        facets={facet: tuple(values) for facet, values in facets.items()},
        numbers=numbers,
        named=named,
        structures=tuple(dict.fromkeys(one for every in named.values() for one in every)),
        licences=tuple(licences),
        rights=rights_of(licences),
    )


def rights_of(licences: list[str]) -> dict[str, str]:
    """Return what several licences together allow: no if one forbids it, yes if all allow it, else unknown."""
    known = terms("licence")
    every = [known[name].facts.get("terms", {}) if name in known else {} for name in licences]
    found = {}
    for term in {term for one in every for term in one}:
        said = {one.get(term, "unknown") for one in every}
        found[term] = "no" if "no" in said else "yes" if said == {"yes"} else "unknown"
    return found
