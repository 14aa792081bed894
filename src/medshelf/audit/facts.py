"""Facts of one case: small, plain, and enough for the checks that compare cases and for the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from medshelf.audit.reading import MaskReading, Part, Reading
from medshelf.audit.values import totals
from medshelf.model import geometry


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts of one image."""

    channel: str
    file: str
    """Name below the root; the first of a series."""
    shape: tuple[int, ...]
    axes: str
    """As `Volume.axes`."""
    dtype: str
    spacing_mm: tuple[float, ...] | None = None
    orientation: str | None = None
    affine: tuple[tuple[float, ...], ...] | None = None
    """(4, 4), voxel index to RAS+ mm."""
    minimum: float | None = None
    maximum: float | None = None
    percentiles: dict[str, float] = field(default_factory=dict)
    digest: str | None = None
    """Equal for images that are equal voxel by voxel; None where voxels were not read."""


@dataclass(frozen=True, slots=True)
class MaskFacts:
    """Facts of one mask."""

    name: str
    kind: str
    voxels: dict[str, int] = field(default_factory=dict)
    """Voxels (pixels) by structure; 0 where a structure that could be there is not."""
    volumes_ml: dict[str, float] | None = None
    """The same in millilitres, where the spacing is known in three directions."""
    n_instances: int | None = None
    complete: bool = True
    """All its files could be read."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Facts of one case."""

    case: str
    patient: str | None = None
    split: str | None = None
    images: tuple[ImageFacts, ...] = ()
    masks: tuple[MaskFacts, ...] = ()
    boxes: dict[str, int] = field(default_factory=dict)
    """Boxes by label as written."""
    classes: dict[str, str] = field(default_factory=dict)
    """Value of each target that is a class."""
    n_refused: int = 0
    """Files that could not be read."""

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as plain values, for JSON."""
        from medshelf.catalogue.structure_json import to_plain

        return to_plain(self)  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> CaseFacts:
        """Return the facts that `as_dict` wrote."""
        from medshelf.catalogue.structure_json import from_plain

        return from_plain(cls, plain)  # type: ignore[no-any-return]


def facts_of(reading: Reading) -> CaseFacts:
    """Return the facts of a case."""
    return CaseFacts(
        case=reading.case.id,
        patient=reading.case.patient,
        split=reading.case.split,
        images=tuple(_image(part) for part in reading.images if part.header is not None),
        masks=tuple(_mask(mask) for mask in reading.masks),
        boxes=_boxes(reading),
        classes={name: str(value) for name, value in reading.targets.items() if value is not None},
        n_refused=sum(part.refusal is not None for part in reading.parts),
    )


def _image(part: Part) -> ImageFacts:
    header, seen = part.header, part.intensities
    assert header is not None
    affine = header.affine
    return ImageFacts(
        channel=part.name,
        file=part.files[0],
        shape=tuple(int(n) for n in header.shape),
        axes=header.axes,
        dtype=header.dtype,
        spacing_mm=None if header.spacing_mm is None else tuple(float(s) for s in header.spacing_mm),
        orientation=None if affine is None else geometry.orientation(affine),
        affine=None if affine is None else tuple(tuple(float(x) for x in row) for row in affine),
        minimum=seen.minimum if seen else None,
        maximum=seen.maximum if seen else None,
        percentiles=dict(seen.percentiles) if seen else {},
        digest=seen.digest if seen and seen.minimum != seen.maximum else None,
    )


def _mask(mask: MaskReading) -> MaskFacts:
    voxels = totals(mask)
    header = next((part.header for part in mask.parts if part.header is not None), None)
    spacing = header.spacing_mm if header is not None and header.axes.startswith("ijk") else None
    volumes = None
    if spacing is not None and len(spacing) == 3:
        voxel_ml = float(spacing[0] * spacing[1] * spacing[2]) / 1000
        volumes = {structure: round(n * voxel_ml, 6) for structure, n in voxels.items()}
    return MaskFacts(
        mask.name, mask.kind, voxels, volumes, _instances(mask), all(p.refusal is None for p in mask.parts)
    )


def _instances(mask: MaskReading) -> int | None:
    if mask.kind != "instance" or not mask.read:
        return None
    if len(mask.parts) > 1:
        return sum(part.contents is not None and part.contents.n_inside > 0 for part in mask.parts)
    counted = mask.read[0].contents
    assert counted is not None
    return sum(value != 0 for value in counted.counts)


def _boxes(reading: Reading) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in reading.others:
        for box in getattr(part.value, "boxes", ()):
            found[box.label] = found.get(box.label, 0) + 1
    return found
