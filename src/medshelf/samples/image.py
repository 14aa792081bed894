"""An image of a sample: where its bytes are and how to read them. Nothing is read before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from medshelf import formats
from medshelf.errors import FormatError, LayoutError
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume
from medshelf.samples import operate

_DICOM = {"dicom_series": 3, "dicom": 1}
"""Readers of DICOM, and the least number of slices that each takes for a volume: with fewer than three, a missing
slice can't be seen; ``dicom`` is for objects that are whole in one file."""


@dataclass(frozen=True)
class Image:
    """One image, lazily.

    `array`, `affine` and the rest read the file when they are first asked for and keep it; dropping
    the sample frees it. `read()` always reads anew.
    """

    name: str
    """Name of the channel."""
    blobs: tuple[Blob, ...] = field(repr=False)
    """The file, or the members of a series."""
    reader: str | None = None
    """Reader that the layout names; None finds it by the file."""
    key: str | None = None
    """Name of the array in a container, where the layout names one."""
    axes: str | None = None
    """Axes that the layout states."""
    stated_spacing_mm: tuple[float, ...] | None = None
    """Spacing that the layout states, where the file says nothing."""
    ops: tuple[Mapping[str, Any], ...] = ()
    """Operations of the layout."""
    row: int | None = None
    """Which item, along the first axis, of an array file whose items are the cases."""
    reverse: bool = False
    """A series of pictures that runs against its order."""
    colours: bool = False
    """The layout reads colours: a picture with a palette gives them, and not its indices."""
    film: bool = False
    """A film: `frame` and `frames` read it by frame, `read` whole where it is short."""
    source: Image | None = field(default=None, repr=False)
    """The image of which this is one index of one axis, when one file holds several."""
    index: tuple[int | str, int | Callable[[], int]] | None = None
    """(axis, index) in `source`: the axis by number or letter, the index perhaps looked up when it is needed."""

    @property
    def path(self) -> str:
        """Name of the file, or of the first of a series."""
        return self.blobs[0].name

    def read(self) -> Volume:
        """Read the voxels.

        Raises
        ------
        FormatError
            The bytes are not what they should be.
        """
        if self.source is not None and self.index is not None:
            return self._taken(self.source.volume, *self.index)
        return self._dressed(_coloured(self._stored()) if self.colours else self._stored())

    def _dressed(self, volume: Volume) -> Volume:
        """Return what is stored with the axes, the spacing and the operations of the layout."""
        if self.axes is not None and self.axes != volume.axes:
            if len(self.axes) != volume.array.ndim:
                raise LayoutError(
                    f"the layout says axes {self.axes!r} for an array of {volume.array.ndim} dimensions",
                    where=self.path,
                )
            volume = replace(volume, axes=self.axes)
        if volume.spacing_mm is None and self.stated_spacing_mm is not None:
            volume = replace(volume, spacing_mm=self.stated_spacing_mm)
        volume = operate.apply(volume, self.ops)
        if volume.spacing_mm is None and self.stated_spacing_mm is not None:
            volume = replace(volume, spacing_mm=self.stated_spacing_mm)
        return volume

    def _taken(self, volume: Volume, axis: int | str, index: int | Callable[[], int]) -> Volume:
        """Return one index of one axis of the volume that holds several images."""
        if isinstance(axis, str) and axis not in volume.axes:
            raise LayoutError(f"there is no axis {axis!r}", where=self.path, why=f"axes {volume.axes}")
        number = volume.axes.index(axis) if isinstance(axis, str) else axis
        return operate.take(volume, (number, index if isinstance(index, int) else index()))

    def _stored(self) -> Volume:
        if self._is_dicom_slide():
            from medshelf.formats import dicom_slide

            return dicom_slide.read(self.blobs)
        if self.reader in _DICOM:
            from medshelf.formats import dicom

            return dicom.read_series(self.blobs, least_slices=_DICOM[self.reader])
        if self.row is not None:
            array = formats.read_item(self.blobs[0], self.row, _image_reader(self.reader), self.key)
            return Volume(array, "yx" if array.ndim == 2 else "yxc" if array.ndim == 3 else "n" * array.ndim)
        if self.reader == "slices":
            return stack(self.blobs, reverse=self.reverse, spacing_mm=self.stated_spacing_mm)
        if self.reader == "wsi":
            return formats.read(self.blobs[0], "slide")
        return formats.read(self.blobs[0], _image_reader(self.reader), self.key)

    def header(self) -> Header:
        """Read what is known without decoding voxels, where the format and the operations of the layout allow it."""
        if self.reader == "slices" or self.colours or self.row is not None or not operate.keep_values(self.ops):
            return _header_of(self.volume)
        if self.source is not None and self.index is not None:
            return _header_of(self._taken(_stand_in(self.source.header()), *self.index))
        found = self._stored_header()
        return _header_of(self._dressed(_stand_in(found))) if self.ops or self.axes is not None else found

    def _stored_header(self) -> Header:
        if self._is_dicom_slide():
            from medshelf.formats import dicom_slide

            return dicom_slide.read_header(self.blobs)
        if self.reader in _DICOM:
            from medshelf.formats import dicom

            return dicom.read_series_header(self.blobs, least_slices=_DICOM[self.reader])
        reader = "slide" if self.reader == "wsi" else _image_reader(self.reader)
        return formats.read_header(self.blobs[0], reader, self.key)

    def frame(self, n: int) -> np.ndarray:
        """Read the nth displayed frame of a film, from 0: (Y, X, 3) uint8 RGB.

        Raises
        ------
        NotFound
            The film is shorter.
        FormatError
            This is no film, or a damaged one.
        """
        from medshelf.formats import video

        return video.read_frame(self.blobs[0], n)

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[np.ndarray]:
        """Yield frames of a film, holding one at a time; see `medshelf.formats.video.frames`."""
        from medshelf.formats import video

        return video.frames(self.blobs[0], start, stop, step)

    def verified(self) -> Header:
        """Decode a film from end to end, holding one frame at a time; see `medshelf.formats.video.verify`."""
        from medshelf.formats import video

        return video.verify(self.blobs[0])

    def _is_dicom_slide(self) -> bool:
        if self.reader != "dicom":
            return False
        from medshelf.formats import dicom_slide

        return dicom_slide.is_slide(self.blobs[0])

    @cached_property
    def volume(self) -> Volume:
        """The voxels and their geometry, read once."""
        return self.read()

    @property
    def array(self) -> np.ndarray:
        """Voxels as stored, (I, J, K[, T][, C]) or (Y, X[, C])."""
        return self.volume.array

    @property
    def affine(self) -> np.ndarray | None:
        """(4, 4) voxel index to RAS+ mm, or None."""
        return self.volume.affine

    @property
    def spacing_mm(self) -> tuple[float, ...] | None:
        """Distance in mm along each spatial axis."""
        return self.volume.spacing_mm

    @property
    def orientation(self) -> str | None:
        """Direction in which the voxel axes grow, such as ``"LPS"``."""
        return self.volume.orientation

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.volume.shape

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "volume"}


def _stand_in(header: Header) -> Volume:
    """Return a volume of zeros that takes no memory, to which operations are applied for what they do to a header."""
    array = np.broadcast_to(np.zeros((), header.dtype), header.shape)
    return Volume(array, header.axes, header.affine, header.spacing_mm, header.meta)


def _header_of(volume: Volume) -> Header:
    return Header(volume.shape, volume.array.dtype.name, volume.axes, volume.affine, volume.spacing_mm)


def _coloured(volume: Volume) -> Volume:
    """Return a picture of indices in the colours of its palette, anything else as it is."""
    palette = volume.meta.get("palette")
    if palette is None or volume.axes != "yx":
        return volume
    if volume.array.max(initial=0) >= len(palette):
        raise FormatError("a picture holds an index that its palette lacks", why=f"{len(palette)} colours")
    return replace(volume, array=np.asarray(palette)[volume.array], axes="yxc")


def _image_reader(name: str | None) -> str | None:
    return {"npy": "numpy_array"}.get(name, name) if name else None


def stack(blobs: Sequence[Blob], *, reverse: bool, spacing_mm: tuple[float, ...] | None) -> Volume:
    """Stack pictures into a volume: (I, J, K) = (column, row, picture), without a place in the patient.

    Raises
    ------
    FormatError
        The pictures differ in size or type.
    """
    pictures = [formats.read(blob) for blob in blobs]
    shapes = {p.array.shape for p in pictures}
    if len(shapes) > 1:
        odd = next(b for b, p in zip(blobs, pictures, strict=True) if p.array.shape != pictures[0].array.shape)
        raise FormatError("pictures of one series differ in size", where=odd.name, why=f"sizes {sorted(shapes)}")
    ordered = pictures[::-1] if reverse else pictures
    array = np.stack([np.swapaxes(p.array, 0, 1) for p in ordered], axis=2)
    return Volume(array, "ijk" + ("c" if array.ndim == 4 else ""), None, spacing_mm)
