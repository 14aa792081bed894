"""Read a question in plain English: «open CT with pancreas masks, at least 100 cases, commercial use allowed»."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache

from medshelf.catalogue import spelling
from medshelf.catalogue.phrases import Said, take_phrases
from medshelf.catalogue.query import Filter, Query, Topic
from medshelf.catalogue.structure_query import Wanted, understand
from medshelf.catalogue.vocabulary import fold, matching, narrower, terms

_STRICT = ("modality", "task", "annotation", "host")
"""Vocabularies whose words become filters."""
_LONGEST = 5
"""Words of the longest phrase that a vocabulary has."""
_NOT = frozenset({"no", "not", "without", "except", "excluding", "exclude", "but-not"})
_OR = frozenset({"or", "/"})
_NOISE = frozenset(
    re.findall(
        r"\S+",
        """
    a about ai all an analysis and annotated annotation annotations any are as at available based be benchmark
    benchmarks by can case cases clinical collection collections data database databases dataset datasets deep
    different do download find for from good has have having high human i image images imaging in into is it its
    label labeled labelled labels learning licence licenced license licensed like machine many me medical model
    models my need of on one only open or our patient patients picture pictures please public publicly quality scan
    scans segment set sets several show some than that the their them there these they this to train training use
    used using want we well what where which who whose with within
    """,
    )
)
"""Words that people write around what they ask for."""
_NOT_A_TERM = frozenset({"motion", "quality", "depth", "action", "prediction"})
"""Words that name a task only together with others."""
_WIDER = {"3D": frozenset({"3D", "4D", "mesh"})}
"""A mesh and a series of volumes are 3D as well."""
_FORMATS = ("NIfTI", "DICOM", "PNG", "JPEG", "TIFF", "NRRD", "MetaImage", "HDF5", "MATLAB", "CSV", "Parquet", "SVS")
_PLAIN = {"dimension": ("2D", "3D", "4D", "video", "slide", "mesh"), "formats": _FORMATS}
_ALSO = {"videos": "video", "whole-slide": "slide", "wsi": "slide", "wsis": "slide", "slides": "slide", "nii": "nifti",
         "mha": "metaimage", "mhd": "metaimage", "tif": "tiff", "jpg": "jpeg", "dcm": "dicom", "meshes": "mesh",
         "three-dimensional": "3d", "two-dimensional": "2d", "volumetric": "3d"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Span:
    """A run of words with one meaning."""

    said: str
    meaning: Filter | Topic


def read_sentence(text: str, parts: Collection[str] = ()) -> Query:
    """Return what a question asks for.

    Parameters
    ----------
    text : str
        Words, phrases or a sentence. What no vocabulary knows stays a word to be looked for.
    parts : collection of str
        Names of the parts of structures that annotations use ("enhancing").
    """
    said = Said()
    left = take_phrases(text.lower().replace("’", "'"), said)
    topics: list[Topic] = []
    corrections: list[tuple[str, str]] = []
    for chunk in re.split(r"[|;?!]+", left):
        words = _words(chunk)
        fixed = [spelling.correct(word) if _is_unknown(word) else word for word in words]
        corrections += [(a, b) for a, b in zip(words, fixed, strict=True) if a != b]
        _gather(list(_spans(fixed, parts)), topics, said.filters)
    return Query(
        topics=tuple(dict.fromkeys(topics)),
        filters=tuple(dict.fromkeys(said.filters)),
        ranges=tuple(said.ranges.values()),
        rights=tuple(said.rights),
        corrections=tuple(dict.fromkeys(corrections)),
    )


def _words(chunk: str) -> list[str]:
    """Split into words; a comma separates phrases, a slash is an «or» unless a vocabulary has the whole."""
    found: list[str] = []
    for word in re.findall(r"[^\s,()\[\]{}\"«»:]+|,", chunk):
        bare = word.strip(".'`")
        if "/" in bare and not _known(bare) and not _is_name(bare):
            pieces = [piece for piece in bare.split("/") if piece]
            found += [w for n, piece in enumerate(pieces) for w in (["/"] if n else []) + [piece]]
        elif bare:
            found.append(bare)
    return found


def _is_name(word: str) -> bool:
    return bool(understand(word))


def _is_unknown(word: str) -> bool:
    plain = word in _NOISE or word in _NOT or word in _OR or word == "," or word in _ALSO or not word.isalpha()
    return not plain and len(word) > 3 and not _known(word)


def _known(phrase: str) -> bool:
    return any(matching(subject, phrase) for subject in (*_STRICT, "structure", "finding", "region"))


def _spans(words: list[str], parts: Collection[str]) -> Iterator[_Span | str]:
    """Yield spans of meaning and, between them, the words that join or deny."""
    at = 0
    while at < len(words):
        if words[at] in _NOT or words[at] in _OR or words[at] == ",":
            yield words[at]
            at += 1
            continue
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            phrase = words[at : at + length]
            if "," in phrase or set(phrase) & (_OR | _NOT):
                continue
            span = _filter(" ".join(phrase)) or _topic(phrase, parts)
            if span is not None:
                yield span
                yield from _regions_inside(span, phrase)
                at += length
                break
        else:
            if words[at] not in _NOISE:
                yield _Span(words[at], Topic(words[at], words=((words[at],),), free=True))
            at += 1


def _filter(phrase: str) -> _Span | None:
    if phrase in _NOISE:
        return None
    plain = fold(_ALSO.get(phrase, phrase))
    for facet, values in _PLAIN.items():
        for value in values:
            if fold(value) == plain:
                return _Span(phrase, Filter(facet, value, _WIDER.get(value, frozenset({value}))))
    for facet in _STRICT:
        found = frozenset[str]() if phrase in _NOT_A_TERM else matching(facet, phrase)
        if found:
            below = frozenset().union(*(narrower(facet, name) for name in found))
            return _Span(phrase, Filter(facet, sorted(found)[0], below))
    for name, term in terms("licence").items():
        if fold(name) == plain or fold(name).removesuffix("only") == plain or _without_version(name) == plain:
            same = {n for n in terms("licence") if _without_version(n) == _without_version(name)}
            return _Span(phrase, Filter("licence", term.id, frozenset(same if fold(name) != plain else {name})))
    return None


def _without_version(licence: str) -> str:
    return fold(re.sub(r"-\d[\d.]*$", "", licence))


def _regions_inside(span: _Span, phrase: list[str]) -> Iterator[_Span]:
    """Yield the regions that the name of a modality contains: a chest X-ray is an X-ray, and of the chest."""
    if isinstance(span.meaning, Filter) and span.meaning.facet == "modality" and len(phrase) > 1:
        for word in phrase:
            if matching("region", word) and (found := _topic([word], ())):
                yield found


def _topic(phrase: list[str], parts: Collection[str]) -> _Span | None:
    """Return what a run of words is about, when every word of it is of structures, findings or regions."""
    if phrase[0] in _NOISE or phrase[-1] in _NOISE:
        return None
    said = " ".join(phrase)
    structures = understand(said, parts)
    regions = frozenset(matching("region", said))
    if not structures and not regions:
        return None
    below = frozenset().union(*(narrower("region", name) for name in regions)) if regions else frozenset[str]()
    return _Span(said, Topic(said, structures, below, _weak_words(said, phrase, regions)))


def _weak_words(said: str, phrase: list[str], regions: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """Return groups of words, one of each of which a text must have to speak of the topic."""
    whole = _synonyms(said, regions)
    if whole:
        return (whole,)
    groups = []
    at = 0
    while at < len(phrase):
        for length in range(len(phrase) - at, 0, -1):
            same = _synonyms(" ".join(phrase[at : at + length]), frozenset())
            if same or length == 1:
                if phrase[at] not in _NOISE:
                    groups.append(same or (phrase[at],))
                at += length
                break
    return tuple(groups)


@cache
def _synonyms(said: str, regions: frozenset[str]) -> tuple[str, ...]:
    """Return the words of one meaning: those of the terms that a phrase names."""
    words: dict[str, None] = {}
    found = [(subject, name) for subject in ("structure", "finding") for name in matching(subject, said)]
    for subject, name in [*found, *(("region", name) for name in sorted(regions))]:
        term = terms(subject)[name]
        words |= dict.fromkeys(w.lower() for w in (name.replace("_", " "), term.label, *term.synonyms))
    return tuple(words) and tuple({said: None, **words})


def _gather(spans: list[_Span | str], topics: list[Topic], filters: list[Filter]) -> None:
    """Put spans into topics and filters, minding «not» and «or»."""
    denied, joined, last = False, False, None
    for span in spans:
        if isinstance(span, str):
            denied = span in _NOT or (denied and span in _OR)
            joined = span in _OR
            continue
        meaning = span.meaning
        if isinstance(meaning, Filter):
            _add_filter(replace(meaning, excluded=denied), filters, joined and isinstance(last, Filter))
        elif joined and isinstance(last, Topic) and topics:
            topics[-1] = replace(topics[-1], others=(*topics[-1].others, meaning))
        else:
            topics.append(replace(meaning, excluded=denied))
        denied, joined, last = False, False, meaning


def _add_filter(one: Filter, filters: list[Filter], joined: bool) -> None:
    """Add a filter; one that is joined to the last by «or» widens it."""
    old = filters[-1] if filters else None
    if joined and old is not None and old.facet == one.facet and not one.excluded:
        filters[-1] = replace(old, said=f"{old.said} or {one.said}", values=old.values | one.values)
    else:
        filters.append(one)


def exclude(text: str, parts: Collection[str] = ()) -> tuple[list[Topic], list[Filter]]:
    """Return what must not be there, from words like «MR» or «tumour»."""
    query = read_sentence(text, parts)
    topics = [replace(topic, excluded=True) for topic in query.topics]
    return topics, [replace(one, excluded=True) for one in query.filters]


__all__ = ["Wanted", "exclude", "read_sentence"]
