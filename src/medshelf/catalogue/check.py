"""Check records against the vocabularies and against themselves: every problem, with file and line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from medshelf.catalogue import vocabulary
from medshelf.catalogue.links import fault, links_of
from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.read import Problem, RawRecord, build, read_presets, read_raw, record_folders
from medshelf.model.dataset import Fact, Record
from medshelf.model.layout import FAMILIES, Layout
from medshelf.model.structure import parse

Path_ = tuple[str | int, ...]
Complaint = tuple[Path_, str]

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DIMENSIONS = ("2D", "3D", "4D", "video", "slide", "text", "table", "mesh", "signal")
_WORD_FACTS = {"modality": "modality", "region": "region", "task": "task", "annotation": "annotation"}
_NUMBER_FACTS = ("cases", "year", "patients", "size_bytes")


def check_folder(folder: Path, presets: dict[str, Any] | None = None) -> tuple[Record | None, list[Problem]]:
    """Read and check one record; return it, and all that is wrong with it."""
    raw, problems = read_raw(folder)
    if problems:
        return None, problems
    record, problems = build(raw, read_presets() if presets is None else presets)
    if record is not None:
        problems = [raw.problem(path, message) for path, message in complaints(record, raw)]
    return record, problems


def complaints(record: Record, raw: RawRecord) -> Iterator[Complaint]:
    """Yield what is wrong with a record of the right shape: path in the record, message."""
    if record.id != raw.folder.name:
        yield ("id",), f"the id {record.id!r} is not the name of its folder"
    if not _ID.fullmatch(record.id):
        yield ("id",), f"{record.id!r} is not lower-case words joined by hyphens"
    if record.kind != "test-data" and record.id not in vocabulary.known_ids():
        yield ("id",), f"{record.id!r} is not in vocabulary/id.txt: add it there"
    yield from _check_facts(record)
    yield from _check_terms(record)
    yield from _check_labels(record)
    yield from ((link.path, f"{link.url}: {wrong}") for link in links_of(record) if (wrong := fault(link.url)))
    yield from _check_words_of_people(record)
    yield from _check_sources(record, raw)
    if record.layout is not None and record.no_layout:
        yield ("no_layout",), "there is a layout: leave out the reason why there is none"
    if record.layout is not None:
        yield from _check_layout(record.layout, ("layout",))
        for name, variant in record.layout.variants.items():
            yield from _check_layout(variant, ("layout", "variants", name))


def _facts(record: Record) -> Iterator[tuple[str, Fact]]:
    for attribute in fields(record.facts):
        fact = getattr(record.facts, attribute.name)
        if fact is not None:
            yield attribute.name, fact


def _check_facts(record: Record) -> Iterator[Complaint]:
    for name, fact in _facts(record):
        where = ("facts", name)
        if fact.claims and not fact.reason:
            yield where, f"{name} has other claims: say in `reason` why the record does not follow them"
        if not fact.sources:
            yield where, f"{name} has no source"
        if fact.value == "unknown":
            continue
        if name in _NUMBER_FACTS and not isinstance(fact.value, int | float):
            yield where, f'{name} must be a number or "unknown", not {fact.value!r}'
        if name in (*_WORD_FACTS, "dimension", "formats"):
            if not isinstance(fact.value, tuple):
                yield where, f"{name} must be a list"
                continue
            known: Any = _DIMENSIONS if name == "dimension" else None
            if name in _WORD_FACTS:
                known = vocabulary.terms(_WORD_FACTS[name])
            yield from _check_words(fact.value, known, where, name)


def _check_words(words: Iterable[str], known: Any, where: Path_, subject: str) -> Iterator[Complaint]:
    for word in words:
        if known is not None and word not in known:
            yield where, f"{word!r} is not a {subject} of the vocabulary. {vocabulary.nearest(word, known)}"


def _check_terms(record: Record) -> Iterator[Complaint]:
    licences, hosts = vocabulary.terms("licence"), vocabulary.terms("host")
    for n, licence in enumerate(record.licences):
        yield from _check_words([licence.id], licences, ("licences", n), "licence")
        if not licence.sources:
            yield ("licences", n), "the licence has no source (for an unknown one: where it was looked for)"
    yield from _check_words([record.access.kind], vocabulary.terms("access"), ("access", "kind"), "kind of access")
    yield from _check_words(record.access.hosts, hosts, ("access", "hosts"), "host")
    for n, relation in enumerate(record.relations):
        yield from _check_words([relation.to], vocabulary.known_ids(), ("relations", n), "dataset id")
    if not record.licences:
        yield ("licences",), 'state a licence, or one with id = "unknown" and where it was looked for'


def _check_labels(record: Record) -> Iterator[Complaint]:
    for n, one in enumerate(record.label_sets):
        if one.name in [other.name for other in record.label_sets[:n]]:
            yield ("label_sets", n, "name"), f"there are two label sets called {one.name!r}: give each a name"
        for m, label in enumerate(one.labels):
            if label.structure is not None:
                yield from _check_structure(label.structure, ("label_sets", n, "labels", m))


def _check_words_of_people(record: Record) -> Iterator[Complaint]:
    """Yield when what people read is missing: a summary, a page or where it was looked for, a citation in BibTeX."""
    if not 40 <= len(record.summary.strip()) <= 900:
        yield ("summary",), f"a summary has 40 to 900 characters, this one {len(record.summary.strip())}"
    for path, text in (
        (("summary",), record.summary),
        *((("sources", k, "title"), v.title) for k, v in record.sources.items()),
    ):
        if text.lstrip().startswith(("SUMMARY: ", "TITLE ")):
            yield path, "this is still what the scaffold says: write your own"
    if record.homepage == "none found" and not record.homepage_sources:
        yield ("homepage",), "no homepage was found: name in `homepage_sources` where it was looked for"
    for n, citation in enumerate(record.citations):
        if not re.match(r"@\w+\{[^,\s]+,", citation.bibtex.strip()):
            yield ("citations", n), "this is no BibTeX entry: it starts with @article{key,"


def _check_sources(record: Record, raw: RawRecord) -> Iterator[Complaint]:
    used: set[str] = set()
    for path, name in _named_sources(assemble_plain(raw), ()):
        used.add(name)
        if name not in record.sources:
            yield path, f"the source {name!r} is not in [sources]. {vocabulary.nearest(name, record.sources)}"
    for name in record.sources:
        if name not in used:
            yield ("sources", name), f"the source {name!r} is used nowhere"


def assemble_plain(raw: RawRecord) -> dict[str, Any]:
    """Join a record's tables as they stand, without presets or variants."""
    whole = dict(raw.tables["dataset.toml"])
    for file, key in (("access.toml", "access"), ("layout.toml", "layout")):
        if file in raw.tables:
            whole[key] = raw.tables[file]
    whole["errata"] = raw.tables.get("errata.toml", {}).get("errata", [])
    return whole


def _named_sources(value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("sources", "homepage_sources") and isinstance(inner, list):
                yield from (((*path, key), str(name)) for name in inner)
            elif not (key == "sources" and isinstance(inner, dict)):
                yield from _named_sources(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _named_sources(inner, (*path, n))


def _check_layout(layout: Layout, where: Path_) -> Iterator[Complaint]:
    yield from _check_words([layout.family], FAMILIES, (*where, "family"), "family")
    for name, slot in layout.files.items():
        here = (*where, "files", name)
        if bool(slot.path) == bool(slot.either):
            yield here, "give either `path` or `either`"
        if slot.labels is not None and slot.labels not in layout.labels:
            yield (*here, "labels"), f"there is no [labels.{slot.labels}]"
        if slot.space is not None and slot.space not in layout.files:
            yield (*here, "space"), f"there is no [files.{slot.space}]"
        if slot.label and "{" not in slot.label:
            yield from _check_structure(slot.label, (*here, "label"))
    for name, mapping in layout.labels.items():
        for key, structure in mapping.items():
            yield from _check_structure(structure, (*where, "labels", name, key))
    for name, parts in layout.regions.items():
        yield from _check_structures([name, *parts], (*where, "regions", name))
    if layout.rows is not None:
        unknown = [s for s in layout.rows.slots if s not in layout.files]
        if unknown:
            yield (*where, "rows"), f"no such slots: {', '.join(unknown)}"


def structure_complaints(text: str) -> Iterator[str]:
    """Yield what is wrong with the name of a structure: its form, or a word that no vocabulary has."""
    yield from (message for _, message in _check_structure(text, ()))


def _check_structures(names: Sequence[str], where: Path_) -> Iterator[Complaint]:
    for name in names:
        yield from _check_structure(name, where)


def _check_structure(text: str, where: Path_) -> Iterator[Complaint]:
    known, findings = vocabulary.terms("structure"), vocabulary.terms("finding")
    try:
        structures = parse(text)
    except ValueError as error:
        yield where, str(error)
        return
    for structure in structures:
        if known and structure.base not in known:
            yield from _check_words([structure.base], known, where, "structure")
        elif known and structure.side:
            yield from _check_side(structure.base, structure.side, where)
        if findings and structure.finding:
            yield from _check_words([structure.finding], findings, where, "finding")


def _check_side(base: str, side: str, where: Path_) -> Iterator[Complaint]:
    """Yield when a structure that has no sides is given one, or a member that its series lacks."""
    sided, members = vocabulary.terms("structure")[base].facts.get("sided"), vocabulary.members(base)
    for piece in side.split("."):
        if piece in ("left", "right"):
            if not sided:
                yield where, f"{base!r} has no left and right in the vocabulary"
        elif "{i}" not in piece and piece not in members:
            series = f"its members are {', '.join(sorted(members))}" if members else "it has no members"
            yield where, f"{piece!r} is not a member of {base!r}: {series}"


def main(arguments: Sequence[str]) -> int:
    """Check the records with these ids, or all; print every problem and return 1 when there is any."""
    root = catalogue_root()
    folders = [root / "datasets" / name for name in arguments] or record_folders(root)
    problems = [p for folder in folders for p in check_folder(folder)[1]]
    for problem in problems:
        print(problem)
    print(f"{len(folders)} records, {len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
