"""The vocabularies: terms, their synonyms, hierarchy and standard codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from medshelf.catalogue.place import catalogue_root
from medshelf.errors import UnknownTerm

SUBJECTS = (
    "modality", "region", "task", "annotation", "licence", "access", "host", "structure", "finding", "condition",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a vocabulary."""

    id: str
    label: str
    synonyms: tuple[str, ...] = ()
    parent: str | None = None
    """The wider term: of a modality, region or finding, or the whole that a structure is part of."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Everything else that the vocabulary states: codes, terms of a licence."""


@cache
def terms(subject: str, root: Path | None = None) -> dict[str, Term]:
    """Return the terms of one vocabulary (one of `SUBJECTS`) by id."""
    table = _baked(subject) if root is None else None
    if table is None:
        import tomllib

        place = (root or catalogue_root()) / "vocabulary" / f"{subject}.toml"
        table = tomllib.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}
    return {name: _term(name, entry) for name, entry in table.items()}


def _baked(subject: str) -> dict[str, Any] | None:
    from medshelf.catalogue.shelf import baked_vocabulary

    return baked_vocabulary(subject)


def _term(name: str, entry: Mapping[str, Any]) -> Term:
    rest = {k: v for k, v in entry.items() if k not in ("label", "synonyms", "parent")}
    label = entry.get("label", name.replace("_", " "))
    return Term(name, label, tuple(entry.get("synonyms", ())), entry.get("parent"), rest)


def term(subject: str, name: str) -> Term:
    """Return the term with this id or synonym.

    Raises
    ------
    UnknownTerm
        With the nearest terms.
    """
    all_terms = terms(subject)
    if name in all_terms:
        return all_terms[name]
    found = matching(subject, name)
    if not found:
        raise UnknownTerm(f"{name!r} is not a {subject}", hint=nearest(name, all_terms))
    return next(candidate for candidate in all_terms.values() if candidate.id in found)


@lru_cache(maxsize=65536)
def matching(subject: str, words: str) -> frozenset[str]:
    """Return the ids of the terms that words name: by id, label or synonym, also with a plural s.

    Most words name one term; some name several ("ventricle" is of the heart or of the brain).
    """
    known = _by_words(subject)
    folded = fold(words)
    singular = folded.removesuffix("ies") + "y" if folded.endswith("ies") else folded
    for form in (folded, folded.removesuffix("s"), folded.removesuffix("es"), singular):
        if form in known:
            return known[form]
    return frozenset()


@cache
def _by_words(subject: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for one in terms(subject).values():
        for words in (one.id, one.label, *one.synonyms):
            found.setdefault(fold(words), set()).add(one.id)
    return {folded: frozenset(ids) for folded, ids in found.items()}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the terms closest to `name`."""
    known = list(known)
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(sorted(known)[:40])}."


def narrower(subject: str, name: str) -> set[str]:
    """Return the ids of a term and of everything below it."""
    all_terms = terms(subject)
    found = {name}
    while True:
        more = {t.id for t in all_terms.values() if t.parent in found} - found
        if not more:
            return found
        found |= more


@cache
def members(structure: str) -> frozenset[str]:
    """Return the members of a structure that is a series (``C1`` … ``L6`` of vertebra); empty for others."""
    known = terms("structure").get(structure)
    found: set[str] = set()
    for text in known.facts.get("members", ()) if known else ():
        span = re.fullmatch(r"([A-Z]*)([0-9]+)-\1([0-9]+)", text)
        found |= {f"{span[1]}{n}" for n in range(int(span[2]), int(span[3]) + 1)} if span else {text}
    return frozenset(found)


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """Return a word in the form in which words are compared: lower case, no punctuation, American spelling."""
    return "".join(c for c in american(word.lower()) if c.isalnum())


_AMERICAN = (
    (re.compile(r"\b(an|h|leuk|isch|f|gyn|p|orthop|c|di)ae(?=[cdimrs]|mi)"), r"\1e"),
    (re.compile(r"(?<=[a-z])ae(?=mi|mo|rh)"), "e"),
    (re.compile(r"\b(h|isch|an|gyn|p|f|c)ae"), r"\1e"),
    (re.compile(r"\b(f|)oe(?=t|d|s)"), r"\1e"),
    (re.compile(r"(?<=rh)oe(?=a)"), "e"),
    (re.compile(r"(?<=um|ol|av)our(?=s?\b)"), "or"),
    (re.compile(r"(?<=al)is(?=ation|ed\b|ing\b|e\b)"), "iz"),
    (re.compile(r"centre"), "center"),
    (re.compile(r"fibre"), "fiber"),
    (re.compile(r"\bgrey"), "gray"),
    (re.compile(r"labell"), "label"),
)


_MAY_BE_BRITISH = re.compile(r"ae|oe|our|alis|centre|fibre|grey|labell")


def american(text: str) -> str:
    """Return lower-case words in American spelling, so that tumour and tumor, oedema and edema are one word."""
    if _MAY_BE_BRITISH.search(text):
        for pattern, other in _AMERICAN:
            text = pattern.sub(other, text)
    return text


@cache
def known_ids(root: Path | None = None) -> frozenset[str]:
    """Return all dataset ids that are given out, whether or not their record is written."""
    place = (root or catalogue_root()) / "vocabulary" / "id.txt"
    lines = place.read_text(encoding="utf-8").splitlines() if place.is_file() else []
    return frozenset(line for line in lines if line and not line.startswith("#"))
