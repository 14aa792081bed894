"""Read the files of one case, each once, and keep what checks need of them.

A case may hold a hundred masks as large as its image; so each is measured when it is read, and dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np

from medshelf.audit.measure import contents, intensities
from medshelf.audit.reading import Fault, MaskReading, Part, Reading, Refusal
from medshelf.errors import (
    Impostor,
    LayoutError,
    MedshelfError,
    MissingExtra,
    NotAVolume,
    Truncated,
    Unsupported,
)
from medshelf.model.blob import Blob
from medshelf.model.layout import Slot
from medshelf.model.volume import Header, Volume
from medshelf.samples.annotation import Annotation, Mask
from medshelf.samples.dataset import Dataset
from medshelf.samples.image import Image
from medshelf.samples.sample import Sample

_FAULTS: tuple[tuple[type[MedshelfError], Fault], ...] = (
    (Truncated, "truncated"),
    (NotAVolume, "not-a-volume"),
    (Unsupported, "unsupported"),
    (LayoutError, "not-as-declared"),
)


def read_case(opened: Dataset, number: int, *, deep: bool = True) -> Reading:
    """Read all files of a case.

    Parameters
    ----------
    opened : Dataset
        The dataset that holds it.
    number : int
        Which of its cases.
    deep : bool
        Read voxels; otherwise only headers.

    Raises
    ------
    MissingExtra
        A file needs a package that is not installed. All other faults are kept in the parts.
    """
    sample = opened[number]
    reader = _Reader(opened, sample, deep)
    return Reading(
        case=sample.files,
        modality=_words(opened.record.facts.modality.value),
        images=tuple(reader.image(name) for name in sample.images),
        masks=tuple(reader.masks()),
        others=tuple(reader.others()),
        targets=reader.targets(),
        declared_targets=opened.layout.targets,
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, tuple | list) else (str(value),)


class _Reader:
    def __init__(self, opened: Dataset, sample: Sample, deep: bool) -> None:
        self.layout = opened.layout
        self.sample = sample
        self.deep = deep
        refs = [ref for several in sample.files.files.values() for ref in several]
        self.blobs: dict[str, Blob] = {}
        """By the name below the root."""
        self.names: dict[str, str] = {}
        """Name below the root by the name of the blob."""
        for ref in refs:
            blob = opened.tree.blob(ref.name)
            self.blobs[ref.name], self.names[blob.name] = blob, ref.name

    # --- images ----------------------------------------------------------------------------

    def image(self, channel: str) -> Part:
        image = self.sample.images[channel]
        files = self._names_of(image)
        if image.film:
            return self._part(channel, files, image.verified if self.deep else image.header, lambda _: {})
        if self.deep:
            return self._part(channel, files, image.read, lambda v: {"intensities": intensities(v)})
        return self._part(channel, files, image.header, lambda _: {})

    def _names_of(self, image: Image) -> tuple[str, ...]:
        return tuple(self.names.get(blob.name, blob.name) for blob in image.blobs)

    # --- masks -----------------------------------------------------------------------------

    def masks(self) -> Iterator[MaskReading]:
        for name, slot in self._slots(lambda slot: slot is None or slot.role == "mask"):
            annotation = self.sample.annotations[name]
            if isinstance(annotation, Mask):
                yield self._mask(annotation, slot)

    def _slots(self, wanted: Callable[[Slot | None], bool]) -> Iterator[tuple[str, Slot | None]]:
        for name in self.sample.annotations:
            slot = self.layout.files.get(name.partition("@")[0])
            if wanted(slot):
                yield name, slot

    def _mask(self, mask: Mask, slot: Slot | None) -> MaskReading:
        seen = _Overlap() if mask.union and mask.kind == "instance" and self.deep else None
        if mask.read_segments is not None:
            parts = tuple(self._segments(mask, slot))
        else:
            files = [*mask.images.items(), *(("", image) for image in mask.union)]
            parts = tuple(self._mask_file(mask, slot, structure, image, seen) for structure, image in files)
        declared = mask.structures if mask.labels or mask.read_segments is None else ()
        kind, labels = mask.kind, mask.labels
        if mask.read_instances is not None:
            kind, labels = "index", {str(value): name for value, name in mask.instances.items()}
        return MaskReading(
            mask.name, kind, labels, declared or tuple(dict.fromkeys(p.structure for p in parts)),
            parts, slot, seen.count if seen is not None else None,
        )  # fmt: skip

    def _mask_file(
        self, mask: Mask, slot: Slot | None, structure: str, image: Image, seen: _Overlap | None
    ) -> Part:
        def measure(volume: Volume) -> dict[str, Any]:
            if seen is not None:
                seen.add(volume)
            return {"contents": contents(volume, mask.kind)}

        files = self._names_of(image)
        told = {"structure": structure, "slot": slot}
        if self.deep:
            return self._part(mask.name, files, image.read, measure, **told)
        return self._part(mask.name, files, image.header, lambda _: {}, **told)

    def _segments(self, mask: Mask, slot: Slot | None) -> Iterator[Part]:
        """Read segments (DICOM SEG, structure sets, run lengths), each decoded when it is asked for."""
        files = tuple(r.name for r in self.sample.files.files.get(mask.name.partition("@")[0], ()))
        try:
            assert mask.read_segments is not None
            segments = mask.read_segments()
        except MedshelfError as error:
            yield Part(mask.name, files, refusal=self._refusal(error, files), slot=slot)
            return
        for structure in segments:
            try:
                volume = segments[structure]
            except MedshelfError as error:
                yield Part(mask.name, files, refusal=self._refusal(error, files), structure=structure, slot=slot)
                continue
            if volume.array.dtype.kind == "f":  # FRACTIONAL (PS3.3 A.51): at least one half is inside
                volume = replace(volume, array=volume.array >= 0.5)
            measured = contents(volume, "binary") if self.deep else None
            yield Part(mask.name, files, _header(volume), contents=measured, structure=structure, slot=slot)

    # --- the rest --------------------------------------------------------------------------

    def others(self) -> Iterator[Part]:
        for name, slot in self._slots(lambda slot: slot is not None and slot.role != "mask"):
            annotation = self.sample.annotations[name]
            assert isinstance(annotation, Annotation) and slot is not None
            files = tuple(self.names.get(file, file) for file in annotation.files)
            if not self.deep:
                continue
            try:
                value = annotation.read()
            except MedshelfError as error:
                yield Part(name, files, refusal=self._refusal(error, files), slot=slot)
                continue
            kept = value if slot.role == "boxes" else None
            yield Part(name, files, value=kept, labels=self.layout.labels.get(slot.labels or "", {}), slot=slot)

    def targets(self) -> dict[str, Any]:
        """The targets that are a class; those whose table can't be read are left to the check of tables."""
        found: dict[str, Any] = {}
        for name, target in self.layout.targets.items():
            if target.kind == "class" and target.of not in self.layout.files:
                try:
                    found[name] = self.sample.targets[name]
                except MedshelfError:
                    continue
        return found

    # --- reading and refusing --------------------------------------------------------------

    def _part(
        self,
        name: str,
        files: tuple[str, ...],
        read: Callable[[], Volume | Header],
        measure: Callable[[Any], dict[str, Any]],
        **told: Any,
    ) -> Part:
        try:
            found = read()
            return Part(name, files, _header(found), **measure(found), **told)
        except MedshelfError as error:
            return Part(name, files, refusal=self._refusal(error, files), **told)

    def _refusal(self, error: MedshelfError, files: tuple[str, ...]) -> Refusal:
        if isinstance(error, MissingExtra):
            raise error
        where = error.where or ""
        begins = [long for long in self.names if where.startswith(long)]
        file = self.names[max(begins, key=len)] if begins else files[0] if files else where
        return Refusal(self._fault(error, file), error.what, error.why, error.hint, file)

    def _fault(self, error: MedshelfError, file: str) -> Fault:
        by_bytes = self._fault_of_bytes(file)
        if by_bytes is not None:
            return by_bytes
        for kind, fault in _FAULTS:
            if isinstance(error, kind):
                return fault
        return "unreadable"

    def _fault_of_bytes(self, file: str) -> Fault | None:
        from medshelf.formats import head_of

        blob = self.blobs.get(file)
        if blob is None:
            return None
        try:
            head_of(blob)
        except Impostor as error:
            return cast(Fault, error.kind)
        except MedshelfError:
            return None  # gone or forbidden: the refusal that brought us here says so itself
        return None


class _Overlap:
    """Counts pixels that lie in more than one file."""

    def __init__(self) -> None:
        self._times: np.ndarray | None = None

    def add(self, volume: Volume) -> None:
        inside = volume.array != 0
        if inside.ndim == 3 and volume.axes.endswith("c"):
            inside = inside[..., 0]
        times = np.zeros(inside.shape, np.uint16) if self._times is None else self._times
        if times.shape == inside.shape:
            self._times = times + inside

    @property
    def count(self) -> int:
        return 0 if self._times is None else int((self._times > 1).sum())


def _header(found: Volume | Header) -> Header:
    if isinstance(found, Header):
        return found
    return Header(found.shape, found.array.dtype.name, found.axes, found.affine, found.spacing_mm, found.meta)
