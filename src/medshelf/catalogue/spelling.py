"""Forgive typing errors: the nearest word that the shelf knows, when it is near enough."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache, lru_cache

from medshelf.catalogue import shelf
from medshelf.catalogue.vocabulary import american, terms

_SUBJECTS = ("structure", "finding", "region", "modality", "task", "annotation", "condition")


@lru_cache(maxsize=4096)
def correct(word: str) -> str:
    """Return a word that the shelf knows: the word itself when it begins one, else the nearest, else the word."""
    known = _known()
    if word in known or _begins_one(word):
        return word
    close = get_close_matches(word, known, n=1, cutoff=0.79)
    return close[0] if close else word


def _begins_one(word: str) -> bool:
    query = "select 1 from words where words match ? limit 1"
    quoted = american(word).replace('"', "")
    return shelf.connect().execute(query, (f'"{quoted}" OR "{quoted}"*',)).fetchone() is not None


@cache
def _known() -> frozenset[str]:
    found: set[str] = set()
    for subject in _SUBJECTS:
        for term in terms(subject).values():
            found.update(*(re.findall(r"[a-z]{4,}", text.lower()) for text in (term.label, term.id, *term.synonyms)))
    for (name,) in shelf.connect().execute("select name from record"):
        found.update(re.findall(r"[a-z]{4,}", str(name).lower()))
    return frozenset(found)
