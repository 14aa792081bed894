"""A record: what is known of one dataset, and who says so.

These are the nouns of `catalogue/datasets/<id>/dataset.toml`, `access.toml` and `errata.toml`.
They hold no rules: `medshelf.catalogue.check` validates them at the edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal

from medshelf.model.layout import Layout

Value = int | float | str | tuple[str, ...]

UNKNOWN = "unknown"
"""The value of a fact that nobody states."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something that was read: a paper, page, program, list, file listing, thread or the bytes themselves."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    kind: Literal["paper", "page", "host", "code", "listing", "list", "thread", "bytes"]
    """What it is; `host` is the page of the place that serves the files."""
    title: str
    """Enough to recognise it."""
    read: date
    """The day on which it was read."""
    url: str | None = None
    """Where it is."""
    at: str | None = None
    """Which part: a commit and path, a page, a table, a list's line."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What other sources say of the same fact, when the record does not follow them."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    value: Value
    """Their value."""
    sources: tuple[str, ...]
    """Names of the sources."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact and its sources."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    value: Value
    """The value that the record decides for, or ``"unknown"``."""
    sources: tuple[str, ...] = ()
    """Names of the sources that say so; for an unknown value, where it was looked for."""
    unit: str | None = None
    """What is counted, such as volumes, patients or images."""
    claims: tuple[Claim, ...] = ()
    """Other values that are in circulation."""
    reason: str | None = None
    """Why the record decides for its value; required when there are claims."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that every record can state."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    modality: Fact
    """Terms of vocabulary/modality.toml."""
    dimension: Fact
    """Any of 2D, 3D, 4D, video, slide, text, table."""
    region: Fact
    """Terms of vocabulary/region.toml."""
    task: Fact
    """Terms of vocabulary/task.toml."""
    cases: Fact
    """Number of cases that were released, in `unit`."""
    year: Fact
    """Year of the first release."""
    formats: Fact | None = None
    """File formats as released, such as NIfTI, DICOM, PNG."""
    patients: Fact | None = None
    """Number of patients."""
    annotators: Fact | None = None
    """Who annotated, in a few words."""
    annotation: Fact | None = None
    """How the annotations came about: terms of vocabulary/annotation.toml, such as several-experts, per-reader."""
    size_bytes: Fact | None = None
    """Size of the download."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of one part of a dataset."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    id: str
    """A term of vocabulary/licence.toml (an SPDX id, a LicenseRef- name) or ``"unknown"``."""
    part: str = "all"
    """What it covers: all, images, labels, or a range of cases in words."""
    sources: tuple[str, ...] = ()
    """Where it is stated; for an unknown licence, where it was looked for."""
    claims: tuple[Claim, ...] = ()
    """Other licences that are claimed for this part."""
    reason: str | None = None
    """Why this one is believed."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A work to cite."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    bibtex: str
    """A BibTeX entry."""
    sources: tuple[str, ...] = ()
    """Where it was taken from."""


@dataclass(frozen=True, slots=True)
class Relation:
    """How this dataset is tied to another."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    kind: Literal[
        "version-of", "part-of", "derived-from", "same-images-as", "overlaps", "labels-for", "mirror-of"
    ]
    """This dataset <kind> the other."""
    to: str
    """Id of the other."""
    sources: tuple[str, ...]
    """Who says so."""
    mapping: str | None = None
    """Which cases correspond, where known."""


@dataclass(frozen=True, slots=True)
class RawLabel:
    """One label as a release or its documentation writes it."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    raw: str
    """The words of the source."""
    structure: str | None = None
    """The structure that it means, in the words of the vocabulary; None for a class, or when none fits."""
    value: int | str | None = None
    """What stands for it in the files: a value, colour, band or word; None when nobody says."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labels that belong together: those of one kind of mask, or the classes of one target."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    labels: tuple[RawLabel, ...]
    """In the order of their values."""
    sources: tuple[str, ...]
    """Who says so."""
    name: str = "structures"
    """What they label; unique in the record."""
    kind: Literal["structures", "classes"] = "structures"
    """Structures that are outlined, boxed or pointed at; or classes of whole images and cases."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something on which the lists contradict each other or the facts, and what the record makes of it."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    id: str
    """Number of the contradiction, shared by all records that it touches."""
    about: str
    """What it is about: cases, modality, link, name, …"""
    values: tuple[Claim, ...]
    """Who says what."""
    decision: str
    """What the record says, in a sentence."""
    reason: str
    """Why."""
    sources: tuple[str, ...] = ()
    """What settles it; empty when nothing that could be read does."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file that a host serves."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    """File name as served."""
    url: str | None = None
    """Direct address, where there is one."""
    size_bytes: int | None = None
    """Size as the host states it."""
    sha256: str | None = None
    """Checksum, lower-case hexadecimal."""
    md5: str | None = None
    """Checksum where the host publishes nothing better."""
    only: tuple[str, ...] = ()
    """Where the address leads to more than the dataset: patterns of a shell for the names to take; a `*` fits
    slashes as well."""
    folder: str | None = None
    """Folder below the dataset's for the files of this address, where the layout has one or names would meet."""
    sources: tuple[str, ...] = ()
    """Where these facts stand."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the bytes are had."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    kind: str
    """A term of vocabulary/access.toml, such as open, account, data-use-agreement, or ``"unknown"``."""
    sources: tuple[str, ...] = ()
    """Who says so."""
    hosts: tuple[str, ...] = ()
    """Terms of vocabulary/host.toml."""
    landing: str | None = None
    """Page from which the download starts."""
    steps: tuple[str, ...] = ()
    """What a person has to do, in order."""
    note: str | None = None
    """Anything that costs people time."""
    files: tuple[RemoteFile, ...] = ()
    """What the host serves, where it is public knowledge."""


@dataclass(frozen=True, slots=True)
class Erratum:
    """A known defect of the release."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    id: str
    """Short name, unique in the record."""
    what: str
    """The defect, in our words."""
    sources: tuple[str, ...]
    """Who found it."""
    cases: tuple[str, ...] = ()
    """Ids of the cases (as `medshelf cases` prints them); empty when only the number is known."""
    n_cases: int | None = None
    """How many, when they are not listed."""
    files: tuple[str, ...] = ()
    """File name patterns (shell wildcards), when it is files rather than cases."""
    effect: str | None = None
    """What it does to a user."""
    action: Literal["warn", "exclude", "fix"] = "warn"
    """What medshelf does about it: `exclude` keeps the cases out of a build, `fix` reads them as they should be."""
    fix: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    """By slot: array operations, after those of the layout, that put the files of these cases right. Without any,
    `fix` means that readers take the defect into account by themselves."""
    status: Literal["open", "fixed", "disputed", "unknown"] = "unknown"
    """What became of it."""

    def touches(self, case: str, files: Iterable[str]) -> bool:
        """Return whether it is a defect of this case or of one of these files."""
        return case in self.cases or any(self.touches_file(name) for name in files)

    def touches_file(self, name: str) -> bool:
        """Return whether a file, by its name below the root, is one of the `files`."""
        last = name.rpartition("/")[2]
        return any(
            fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}") or fnmatchcase(last, pattern)
            for pattern in self.files
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One dataset of the shelf."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    id: str
    """Lower-case words joined by hyphens; never changes."""
    name: str
    """Name that people use."""
    summary: str
    """What it is, in two or three sentences of our own."""
    facts: Facts
    access: Access
    homepage: str = "none found"
    """Its page, or ``"none found"``."""
    homepage_sources: tuple[str, ...] = ()
    """Who names it; when none was found, where it was looked for."""
    kind: Literal["dataset", "platform", "test-data"] = "dataset"
    """`test-data` are small public collections kept for testing readers; no list names them."""
    aliases: tuple[str, ...] = ()
    """Other names and former ids."""
    entries: tuple[int, ...] = ()
    """Numbers of the entries, in the lists of datasets that the shelf replaces, that speak of it."""
    sources: dict[str, Source] = field(default_factory=dict)
    """Everything that was read, by a short name."""
    licences: tuple[Licence, ...] = ()
    citations: tuple[Citation, ...] = ()
    relations: tuple[Relation, ...] = ()
    label_sets: tuple[LabelSet, ...] = ()
    """Labels as sources write them, where no layout says more."""
    disagreements: tuple[Disagreement, ...] = ()
    errata: tuple[Erratum, ...] = ()
    layout: Layout | None = None
    """How its files become cases; None when that is not known."""
    no_layout: str | None = None
    """Why there is none: never released, not handed out, no public description; None while nobody has looked."""
    notes: tuple[str, ...] = ()
    """What a reader of the record should know and no field holds."""
