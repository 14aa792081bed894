"""What is known of one case after its files were read: geometry and measures, no voxels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from medshelf.audit.measure import Contents, Intensities
from medshelf.model.case import Case
from medshelf.model.layout import Slot, Target
from medshelf.model.volume import Header

Fault = Literal[
    "empty", "web-page", "stand-in", "truncated", "not-a-volume", "unsupported", "not-as-declared", "unreadable"
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file could not be read."""

    fault: Fault
    what: str
    why: str | None
    hint: str | None
    file: str
    """The file at fault, which may be one of a series."""


@dataclass(frozen=True, slots=True)
class Part:
    """One image, mask or other annotation of a case: a file, a series of files, or one structure of a file."""

    name: str
    """Channel of an image, name of an annotation."""
    files: tuple[str, ...]
    """Names below the root of the dataset."""
    header: Header | None = None
    """Shape, type and place, as read."""
    intensities: Intensities | None = None
    """Of an image; None where only headers are read."""
    contents: Contents | None = None
    """Of a mask; None where only headers are read."""
    structure: str = ""
    """Of a mask file that holds one structure among others."""
    refusal: Refusal | None = None
    value: Any = None
    """What an annotation other than a mask holds."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Label map of such an annotation."""
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class MaskReading:
    """A mask of a case: one file, or one for each structure or instance."""

    name: str
    kind: str
    labels: Mapping[str, str]
    declared: tuple[str, ...]
    """Structures that it can name."""
    parts: tuple[Part, ...]
    slot: Slot | None
    n_overlapping: int | None = None
    """Pixels that lie in several of its instance files."""

    @property
    def read(self) -> tuple[Part, ...]:
        """The parts whose voxels were read."""
        return tuple(part for part in self.parts if part.contents is not None)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one case is made of."""

    case: Case
    modality: tuple[str, ...]
    """Modalities of the dataset."""
    images: tuple[Part, ...] = ()
    masks: tuple[MaskReading, ...] = ()
    others: tuple[Part, ...] = ()
    """Boxes, points, contours, meshes, text."""
    targets: Mapping[str, Any] = field(default_factory=dict)
    """Values of the targets that are a class."""
    declared_targets: Mapping[str, Target] = field(default_factory=dict)

    @property
    def parts(self) -> Iterator[Part]:
        """All files: images, masks and the rest."""
        yield from self.images
        for mask in self.masks:
            yield from mask.parts
        yield from self.others
