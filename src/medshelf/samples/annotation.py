"""Annotations of a sample: masks with their structures, and what is drawn or said otherwise.

For every structure an annotation has one of four states (`State`). Nothing is read before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from medshelf.errors import FormatError, LayoutError, NotFound
from medshelf.model.blob import Blob
from medshelf.model.counting import count_values
from medshelf.model.labels import State, bands_of, colours_of, structures_of, values_of
from medshelf.model.volume import Header, Volume
from medshelf.samples.image import Image
from medshelf.samples.segments import Segments


@dataclass(frozen=True)
class Annotation:
    """What somebody drew or wrote for one case, other than a mask: boxes, points, contours, a mesh, text."""

    name: str
    kind: str
    """boxes, points, contours, mesh, text, spheres."""
    load: Callable[[], Any] = field(repr=False)
    structures: tuple[str, ...] = ()
    """Structures that it can name, where the layout says."""
    annotator: str | None = None
    files: tuple[str, ...] = ()

    def read(self) -> Any:
        """Return what the reader of this kind returns (`Boxes`, `Contours`, `Mesh`, rows, …)."""
        return self.load()


@dataclass(frozen=True)
class Mask:
    """A mask of one case.

    The masks of one slot are one annotation even when every structure has a file of its own.
    """

    name: str
    kind: str
    """index, binary, bands, bits, colour, instance, channels, instance-channels, probability."""
    labels: Mapping[str, str]
    """What is written to structure, as in the layout."""
    images: Mapping[str, Image] = field(repr=False)
    """The mask files: one under ``""``, or one for each structure."""
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Derived structures: unions of others."""
    missing: State = State.NOT_ANNOTATED
    """State of a structure whose own file is not there."""
    union: tuple[Image, ...] = field(default=(), repr=False)
    """Further files that are part of the same mask."""
    annotator: str | None = None
    grid: Image | None = field(default=None, repr=False)
    """The image whose grid the mask shares, for masks without a place of their own."""
    tables: tuple[tuple[str, Blob], ...] = field(default=(), repr=False)
    """Tables that it is read from: name below the root of the dataset, and bytes."""
    read_segments: Callable[[], Any] | None = field(default=None, repr=False)
    """For DICOM segmentations, structure sets and run lengths: reads structure to volume."""
    read_instances: Callable[[], Mapping[int, str]] | None = field(default=None, repr=False)
    """For instances whose class a table tells: reads value to structure."""

    # --- what it can say -------------------------------------------------------------------

    @cached_property
    def structures(self) -> tuple[str, ...]:
        """Structures that this mask annotates, whether or not they occur in this case."""
        if self.kind in ("binary", "instance", "probability") or (self.images and "" not in self.images):
            declared = structures_of(self.labels) if self.labels else ()
            return tuple(dict.fromkeys((*declared, *(s for s in self.images if s))))
        if self.read_segments is not None and not self.labels:
            return tuple(self._segments)
        return structures_of(self.labels)

    @cached_property
    def derived(self) -> tuple[str, ...]:
        """Regions of the layout of which this mask annotates every part."""
        known = {*self.structures, *self.regions}
        return tuple(region for region, parts in self.regions.items() if known.issuperset(parts))

    @cached_property
    def instances(self) -> Mapping[int, str]:
        """Structure by the value of each instance, where a table tells what the instances are."""
        return {} if self.read_instances is None else self.read_instances()

    @property
    def values(self) -> dict[int, str]:
        """Structure by value, for masks of kind index."""
        return values_of(self.labels)

    def state(self, structure: str) -> State:
        """Return what this annotation says of a structure in this case."""
        if structure in self.regions:
            states = {self.state(part) for part in self.regions[structure]}
            if State.PRESENT in states:
                return State.PRESENT
            return State.ABSENT if states == {State.ABSENT} else State.NOT_ANNOTATED
        if structure not in self.structures:
            return State.NOT_ANNOTATED
        if not self._is_here(structure):
            return self.missing
        return State.PRESENT if self.mask(structure).any() else State.ABSENT

    def states(self) -> dict[str, State]:
        """Return the state of every structure that the layout declares for this mask."""
        if self.kind == "index" and set(self.images) == {""} and self.read_segments is None:
            there = present_values(self.volume.array)
            return {
                s: State.PRESENT if any(v in there for v, name in self.values.items() if name == s) else State.ABSENT
                for s in self.structures
            }
        return {structure: self.state(structure) for structure in self.structures}

    def _is_here(self, structure: str) -> bool:
        if self.read_segments is not None:
            return structure in self._segments
        return "" in self.images or structure in self.images

    # --- what it holds ---------------------------------------------------------------------

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files, and of the tables that it is read from."""
        return (*(i.path for i in (*self.images.values(), *self.union)), *(blob.name for _, blob in self.tables))

    @cached_property
    def volume(self) -> Volume:
        """The mask as stored, when it is one file.

        Raises
        ------
        LayoutError
            Every structure has a file of its own; use `mask` or `to_index`.
        """
        if set(self.images) != {""}:
            raise LayoutError(
                f"the mask {self.name} is {len(self.images)} files, one a structure",
                hint="Use .mask(structure) or .to_index(structures)",
            )
        volume = self._placed(self.images[""].volume)
        for other in self.union:
            if self.kind == "instance":
                joined = _next_instances(_any_colour(volume), _any_colour(other.volume), other.path)
                volume = replace(volume, array=joined, axes=volume.axes[: joined.ndim])
            else:
                joined = _joined(volume, other.volume, other.path)
                volume = replace(volume, array=joined, axes=volume.axes[: joined.ndim])
        return volume

    def header(self) -> Header:
        """Shape and geometry, of the first file where there are several."""
        if self.read_segments is not None:
            return self._header_of_segments()
        return next(iter(self.images.values())).header()

    def _header_of_segments(self) -> Header:
        """The grid of the segments; where nothing is drawn, that of the image."""
        if isinstance(self._segments, Segments) and self._segments.header is not None:
            return self._segments.header
        for volume in self._segments.values():
            return Header(volume.shape, volume.array.dtype.name, volume.axes, volume.affine, volume.spacing_mm)
        if self.grid is None:
            raise NotFound(f"nothing is drawn in {self.name}, and nothing tells its grid")
        image = self.grid.header()
        n_axes = 2 if image.axes.startswith("y") else 3
        return Header(image.shape[:n_axes], "uint8", image.axes[:n_axes], image.affine, image.spacing_mm)

    @cached_property
    def _segments(self) -> Mapping[str, Volume]:
        assert self.read_segments is not None
        return self.read_segments()  # type: ignore[no-any-return]

    def mask(self, structure: str) -> np.ndarray:
        """Return where a structure or region is.

        Returns
        -------
        (I, J, K) or (Y, X) bool array
            On the grid of the mask.

        Raises
        ------
        NotFound
            Nobody annotated the structure here; absence must not be read into that.
        """
        if structure in self.regions:
            return np.logical_or.reduce([self.mask(part) for part in self.regions[structure]])
        if structure not in self.structures or (not self._is_here(structure) and self.missing != State.ABSENT):
            raise NotFound(
                f"{structure} is not annotated in {self.name}",
                hint=f"Annotated: {', '.join(self.structures[:20])}",
            )
        if self.read_segments is not None:
            found = self._segments.get(structure)
            return found.array != 0 if found is not None else np.zeros(self.header().shape[:3], bool)
        if "" not in self.images:
            if structure in self.images:
                return _select(self.images[structure].volume, self.kind, self.labels, structure)
            one = self.header()
            return np.zeros(one.shape[:-1] if one.axes.endswith("c") else one.shape, bool)
        if self.read_instances is not None:
            return np.isin(self.volume.array, [v for v, name in self.instances.items() if name == structure])
        return _select(self.volume, self.kind, self.labels, structure)

    def to_index(self, structures: Mapping[int, str | tuple[str, ...]]) -> Volume:
        """Return one integer mask: value by structure (or union of several); later ones lie on top.

        Parameters
        ----------
        structures : mapping of int to str or tuple of str
            What each value shall stand for.
        """
        base: Header | Volume = self.header()
        if self.read_segments is None:
            base = self._placed(next(iter(self.images.values())).volume)
        out: np.ndarray | None = None
        for value, names in structures.items():
            for name in (names,) if isinstance(names, str) else names:
                where = self.mask(name)
                if out is None:
                    dtype = np.uint8 if max(structures) < 256 else np.uint16
                    out = np.zeros(where.shape, dtype, order="F")
                out[where] = value
        assert out is not None
        axes = base.axes[: out.ndim]
        return Volume(out, axes, base.affine, base.spacing_mm)

    def _placed(self, volume: Volume) -> Volume:
        """Give a mask without an affine the place of the image whose grid it shares."""
        if volume.affine is not None or self.grid is None or volume.axes[:3] != "ijk":
            return volume
        header = self.grid.header()
        if header.affine is None or tuple(header.shape[:3]) != tuple(volume.shape[:3]):
            return volume
        return replace(volume, affine=header.affine, spacing_mm=header.spacing_mm)


def present_values(array: np.ndarray) -> set[int | float]:
    """Return the values that occur in an array."""
    if array.dtype.kind in "iub":
        return set(count_values(array))
    return set(np.unique(array).tolist())


def _next_instances(a: np.ndarray, b: np.ndarray, name: str) -> np.ndarray:
    """Add one more instance to a mask of numbered ones; where they overlap the later one lies on top."""
    if a.shape != b.shape:
        raise FormatError("the parts of one mask differ in size", where=name, why=f"{a.shape} and {b.shape}")
    out = a if a.dtype == np.int32 else (a != 0).astype(np.int32)
    out[b != 0] = out.max(initial=0) + 1
    return out


def _any_colour(volume: Volume) -> np.ndarray:
    """Return a mask that was saved as a colour picture as one plane: the brightest colour, alpha left out."""
    if not volume.axes.endswith("c"):
        return volume.array
    n_channels = volume.array.shape[-1]
    colours = volume.array[..., : n_channels - 1] if n_channels in (2, 4) else volume.array
    return colours.max(axis=-1)


def _joined(first: Volume, other: Volume, name: str) -> np.ndarray:
    """Return the union of two binary masks of one picture."""
    a, b = _any_colour(first), _any_colour(other)
    if a.shape != b.shape:
        raise FormatError("the parts of one mask differ in size", where=name, why=f"{a.shape} and {b.shape}")
    return np.maximum(a, b)


def _select(volume: Volume, kind: str, labels: Mapping[str, str], structure: str) -> np.ndarray:
    array = volume.array
    if kind in ("binary", "instance"):
        return _any_colour(volume) != 0
    if kind == "probability":
        return array >= 0.5 if array.dtype.kind == "f" else array >= 128
    if kind == "bands":
        array = _any_colour(volume)
        return np.logical_or.reduce(
            [(array >= b.first) & (array <= b.last) for b in bands_of(labels) if b.structure == structure]
        )
    if kind == "bits":
        bits = [bit for bit, name in values_of(labels).items() if name == structure]
        return (array & sum(1 << bit for bit in bits)) != 0
    if kind == "colour":
        if not volume.axes.endswith("c"):
            raise FormatError(f"the mask of {structure} holds no colours", why=f"its shape is {array.shape}")
        wanted = [c for c, name in colours_of(labels).items() if name == structure]
        return np.logical_or.reduce([(array[..., :3] == colour).all(-1) for colour in wanted])
    values = [v for v, name in values_of(labels).items() if name == structure]
    if kind in ("channels", "instance-channels"):
        if not values or max(values) >= array.shape[-1]:
            raise FormatError(f"the mask has no channel for {structure}", why=f"channel {values}, shape {array.shape}")
        return np.logical_or.reduce([array[..., v] != 0 for v in values])
    return np.isin(array, values) if len(values) > 1 else array == values[0]
