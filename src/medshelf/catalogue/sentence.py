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
_ABOUT = ("structure", "finding", "region", "condition")
"""Vocabularies whose words become topics."""
_LONGEST = 5
"""Words of the longest phrase that a vocabulary has."""
_NOT = frozenset({"no", "not", "without", "except", "excluding", "exclude", "but-not"})
_OR = frozenset({"or", "/"})
_NOISE = frozenset(
    re.findall(
        r"\S+",
        """
    a about acquired acquisition adult adults ai all also an analysis and annotate annotated annotating annotation
    annotations annotator annotators any anybody anywhere are around as at available based be beginner beginners
    benchmark benchmarking benchmarks best better both but by can case cases challenge challenges charge class
    classes clinical collected collection collections competition complete contain containing contains could data
    data-set database databases dataset datasets deep delineated detected development different do download
    downloadable downloaded each earlier either entire evaluate evaluation every examination examinations example
    examples exams file files find folder for format formats foundation frame frames free free-of-charge from get
    getting gold good great ground group groups has have having high how human i if image imaged images imaging in
    include includes including into is is-the it its just kind kinds known label label-maps labeled labelled
    labelling labels large-scale later latest learning licence licenced license licensed like long machine made many
    map maps may me medical men might model models more most multi multiple must my name named need neither new
    newest nice of of-the on on-the one only open openly or organ organs other others our pair paired patient
    patients people per person picture pictures please pre-training pretraining project public publicly quality
    recent reference require requires requiring research researchers same sample samples scale scan scanned scanner
    scanners scanning scans scientific segment segmented session sessions set sets several shall should show signing
    single site some someone standard start started structure structures study subject subjects such suitable taken
    task tasks test testing than that the their them then there these they this to train training truth type types
    under use used using validation volume volumes want we well what where which who whose will with within women
    work works would year years
    """,
    )
)
"""Words that people write around what they ask for."""
_NOT_A_TERM = frozenset({"motion", "quality", "depth", "action", "prediction", "text", "slide", "slides"})
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
    return any(matching(subject, phrase) for subject in (*_STRICT, *_ABOUT))


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
    licence = _licences().get(plain)
    return _Span(phrase, Filter("licence", *licence)) if licence else None


@cache
def _licences() -> dict[str, tuple[str, frozenset[str]]]:
    """Return, for each way to write a licence, how it is said and the licences meant: any version, if none is said."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    families: dict[str, set[str]] = {}
    for name in terms("licence"):
        families.setdefault(_without_version(name), set()).add(name)
    for family, names in families.items():
        found[family] = (" or ".join(sorted(names)), frozenset(names))
        for name in names:
            found[fold(name)] = found[fold(name).removesuffix("only")] = (name, frozenset({name}))
    return found


def _without_version(licence: str) -> str:
    return fold(re.sub(r"-\d[\d.]*$", "", licence))


def _regions_inside(span: _Span, phrase: list[str]) -> Iterator[_Span]:
    """Yield the region that a modality tells: a chest X-ray is of the chest, echocardiography of the heart."""
    if not isinstance(span.meaning, Filter) or span.meaning.facet != "modality":
        return
    told = terms("modality")[span.meaning.said].facts.get("implies", {})
    words = [region for word, region in told.items() if fold(word) == fold(" ".join(phrase))]
    for word in [*words, *(phrase if len(phrase) > 1 else ())]:
        if matching("region", word) and (found := _topic([word], ())):
            yield found


def _topic(phrase: list[str], parts: Collection[str]) -> _Span | None:
    """Return what a run of words is about, when every word of it is of structures, findings or regions."""
    said = " ".join(phrase)
    if (phrase[0] in _NOISE or phrase[-1] in _NOISE) and not any(matching(subject, said) for subject in _ABOUT):
        return None
    structures = understand(said, parts)
    facets = tuple((facet, _below(facet, said)) for facet in ("region", "condition") if matching(facet, said))
    if not structures and not facets:
        return None
    return _Span(said, Topic(said, structures, facets, _weak_words(said, phrase)))


def _below(subject: str, said: str) -> frozenset[str]:
    return frozenset().union(*(narrower(subject, name) for name in matching(subject, said)))


def _weak_words(said: str, phrase: list[str]) -> tuple[tuple[str, ...], ...]:
    """Return groups of words, one of each of which a text must have to speak of the topic."""
    whole = _synonyms(said)
    if whole:
        return (whole,)
    groups = []
    at = 0
    while at < len(phrase):
        for length in range(len(phrase) - at, 0, -1):
            same = _synonyms(" ".join(phrase[at : at + length]))
            if same or length == 1:
                if phrase[at] not in _NOISE:
                    groups.append(same or (phrase[at],))
                at += length
                break
    return tuple(groups)


@cache
def _synonyms(said: str) -> tuple[str, ...]:
    """Return the words of one meaning: those of the terms that a phrase names."""
    words: dict[str, None] = {}
    for subject in _ABOUT:
        for name in sorted(matching(subject, said)):
            words |= dict.fromkeys(_words_of(subject, name))
            if subject == "finding":
                kinds = [one.id for one in terms("condition").values() if one.facts.get("is") == name]
                words |= dict.fromkeys(word for kind in kinds for word in _words_of("condition", kind))
    return tuple(words) and tuple({said: None, **words})


def _words_of(subject: str, name: str) -> list[str]:
    term = terms(subject)[name]
    return [word.lower() for word in (name.replace("_", " "), term.label, *term.synonyms)]


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
