"""Write the files of a twin: for each slot what its role, reader and file ending call for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from medshelf import formats
from medshelf.errors import LayoutError
from medshelf.layout.fields import derive, fill
from medshelf.layout.match import templates_of
from medshelf.layout.template import parse
from medshelf.layout.twin import SERIES_LENGTH, TwinFile
from medshelf.model.geometry import spacing_mm
from medshelf.model.labels import structures_of
from medshelf.model.layout import Layout, Slot
from medshelf.model.volume import Volume
from medshelf.samples import operate, phantom
from medshelf.samples.twin_containers import write_container, write_film
from medshelf.samples.twin_drawn import WRITERS
from medshelf.samples.twin_others import write_boxes, write_contours, write_mesh, write_points, write_record, write_text

FLAT = (".png", ".jpg", ".jpeg", ".jp2", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
SLIDES = (".svs", ".ndpi")
MESHES = (".obj", ".stl", ".ply", ".vtp", ".vtk")
CONTAINERS = (".npy", ".npz", ".h5", ".hdf5", ".he5", ".mat")


def write_files(layout: Layout, group: Sequence[TwinFile], stage: Path) -> None:
    """Write the files of one slot of one case: one file, or all members of a series."""
    slot = layout.files[group[0].slot]
    paths = [stage / file.name for file in group]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    _writer(slot, paths[0])(layout, slot, group, paths)


Writer = Callable[[Layout, Slot, Sequence[TwinFile], Sequence[Path]], None]


def _writer(slot: Slot, path: Path) -> Writer:
    ending = path.suffix.lower()
    if slot.reader in WRITERS:
        return WRITERS[slot.reader]
    if slot.reader in ("dicom_series", "dicom"):
        return _write_dicom
    if slot.reader == "slices":
        return _write_slices
    if slot.reader == "dicom_seg":
        return _write_seg
    if slot.reader == "rtstruct":
        return _write_rtstruct
    if slot.role == "record":
        return write_record
    if slot.role == "boxes":
        return write_boxes
    if slot.role == "points" and ending in (".json", ".csv", ".tsv"):
        return write_points
    if ending in MESHES:
        return write_mesh
    if slot.reader in ("aperio_xml", "contours"):
        return write_contours
    if ending in CONTAINERS:
        return write_container
    if slot.role == "video":
        return write_film
    if slot.role in ("image", "mask") or formats_ending(path):
        return _write_array
    return write_text


def formats_ending(path: Path) -> bool:
    """True when one of the image formats owns this file ending."""
    name = path.name.lower()
    return any(name.endswith(formats.format_named(n).SUFFIXES) for n in formats.IMAGE_FORMATS)


# --- arrays --------------------------------------------------------------------------------


def _write_array(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    for file, path in zip(group, paths, strict=True):
        volume = volume_of(layout, slot, file, path)
        if path.suffix.lower() == ".mhd" and slot.sidecar:
            from medshelf.formats import metaimage

            metaimage.write(path, volume, compressed=slot.sidecar[0] != ".raw")
        else:
            formats_write(path, volume)


def formats_write(path: Path, volume: Volume) -> None:
    """Write a volume in the format of its file's ending."""
    name = path.name.lower()
    for known in formats.IMAGE_FORMATS:
        module = formats.format_named(known)
        if name.endswith((".hdr", ".img")) and known != "analyze":
            continue
        if name.endswith(module.SUFFIXES) and hasattr(module, "write"):
            module.write(path, volume)
            return
    raise LayoutError("a twin of this kind of file can't be written", where=path.name)


def volume_of(layout: Layout, slot: Slot, file: TwinFile, path: Path) -> Volume:
    """Return the phantom that a file of this slot holds."""
    flat = path.name.lower().removesuffix(".gz").endswith((*FLAT, *SLIDES))
    shape = phantom.PICTURE_SHAPE if flat else _volume_shape(layout, slot)
    if slot.role == "image":
        array = _image(layout, slot, shape, file, flat)
    else:
        array = _mask(layout, slot, shape, file)
        if flat and slot.kind == "binary":
            array = array * np.uint8(255)
    array = _undone(_in_time(array, slot), slot)
    if path.name.lower().endswith((".ppm", ".ppm.gz", ".webp")) and array.ndim == 2:  # always of three channels
        array = np.stack([array] * 3, -1)
    axes = _axes(array, flat, slot)
    affine = None if flat or path.suffix.lower() in (".hdr", ".img") else phantom.affine_ras(file.number)
    return Volume(array, axes, affine, None if affine is None else spacing_mm(affine))


def _volume_shape(layout: Layout, slot: Slot) -> tuple[int, ...]:
    """Return the grid of a volume: that of the DICOM series beside it, where there is one."""
    readers = {s.reader for s in layout.files.values() if s.role == "image"}
    return _series_shape(layout) if readers & {"dicom_series", "slices", "dicom"} else phantom.VOLUME_SHAPE


def channel_of(layout: Layout, slot: Slot, file: TwinFile) -> str:
    """Return the name of the channel that a file holds."""
    whole = frozenset[str]().union(*(parse(t).whole_numbers for t in templates_of(slot)))
    values = {**file.captured, **derive(dict(file.captured), whole, layout.fields)}
    return fill(slot.channel or file.slot, values) or file.slot


def _image(layout: Layout, slot: Slot, shape: Sequence[int], file: TwinFile, flat: bool) -> np.ndarray:
    channel = channel_of(layout, slot, file)
    n_labels = sum(len(structures_of(labels)) for labels in layout.labels.values())
    array = phantom.picture(shape, file.number, n_labels, ct=not flat and is_ct(channel), channel=channel)
    if flat and slot.axes != "yx":
        return np.stack([array, array // 2, array // 3], -1)
    if slot.channels:
        return np.stack([array + n for n in range(len(slot.channels))], -1)
    if slot.axes is not None and len(slot.axes) == 4:
        return np.stack([array + n for n in range(3)], -1)
    return array


def _mask(layout: Layout, slot: Slot, shape: Sequence[int], file: TwinFile) -> np.ndarray:
    labels = dict(layout.labels.get(slot.labels or "", {}))
    if slot.label is not None and "{" in slot.label:
        return phantom.one_cell(shape, _position(layout, slot, file, labels))
    one_thing = slot.merge is not None and slot.kind == "instance"
    if one_thing or (not labels and slot.kind == "index"):
        cell = phantom.one_cell(shape, file.member)
        return cell * np.uint8(255) if one_thing else cell
    return phantom.mask(shape, slot.kind, labels, member=file.member)


def _position(layout: Layout, slot: Slot, file: TwinFile, labels: Mapping[str, str]) -> int:
    """Return which cube the structure of this file has: its place among the names."""
    written = "".join(str(v) for k, v in file.captured.items() if f"{{{k}" in (slot.label or ""))
    names = list(labels)
    return names.index(written) if written in names else sum(map(ord, written))


def _in_time(array: np.ndarray, slot: Slot) -> np.ndarray:
    """Make a series in time of a slot that names its moments; a mask is drawn at those alone."""
    if not slot.frames:
        return array
    drawn = {n + 1 for n in range(len(slot.frames))}
    drawn |= {of - slot.first_frame for of in slot.frames.values() if isinstance(of, int)}
    blank = np.zeros_like(array)
    if slot.role == "mask":
        frames = [array if n in drawn else blank for n in range(max(drawn) + 2)]
    else:
        frames = [np.roll(array, n, axis=0) for n in range(max(drawn) + 2)]  # what beats is never twice the same
    return np.stack(frames, -1)


def _undone(array: np.ndarray, slot: Slot) -> np.ndarray:
    """Undo the operations that change axes, so that reading the twin does them again."""
    for step in reversed(slot.ops):
        for name, how in step.items():
            if name == "squeeze":
                array = np.expand_dims(array, 3 if how == "trailing" else tuple(how))
            elif name == "take":
                array = np.stack([array] * (how[1] + 2 if how[1] >= 0 else 2), how[0])
            elif name == "transpose":
                array = array.transpose(tuple(int(n) for n in np.argsort(how)))
            elif name == "rot90":
                array = np.rot90(array, -how[0], (how[1], how[2]))
            elif name == "flip":
                array = np.flip(array, tuple(how))
            elif name == "map":
                array = operate.renumber(Volume(array, "ijk"), _backwards(how)).array
    return np.ascontiguousarray(array)


def _backwards(values: Mapping[str, int]) -> dict[str, int]:
    """Return the exchange that undoes another: of several that became one value, the first."""
    undone: dict[str, int] = {}
    for old, new in values.items():
        undone.setdefault(str(new), int(old))
    return undone


def _axes(array: np.ndarray, flat: bool, slot: Slot) -> str:
    if flat:
        return "yx" if array.ndim == 2 else "yxc"
    if array.ndim == 4 and (slot.channels or slot.kind in ("channels", "instance-channels", "colour")):
        return "ijkt"
    return "ijk" if array.ndim == 3 else "ijkt"


# --- series --------------------------------------------------------------------------------


def _series_shape(layout: Layout) -> tuple[int, int, int]:
    """Return the grid of a series of pictures: one slice where every image is a DICOM object by itself."""
    rows, columns = phantom.PICTURE_SHAPE
    readers = {s.reader for s in layout.files.values() if s.role == "image"} & {"dicom_series", "slices", "dicom"}
    return columns, rows, 1 if readers == {"dicom"} else SERIES_LENGTH


def _write_dicom(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.formats.dicom import writing as dicom_write

    number = group[0].number
    channel = channel_of(layout, slot, group[0])
    modality = "CT" if is_ct(channel) else "MR"
    array = phantom.picture(_series_shape(layout), number, 40, ct=modality == "CT", channel=channel)
    if slot.role == "mask":
        array = _mask(layout, slot, _series_shape(layout), group[0]).astype(np.int16)
    affine = phantom.affine_ras(number)
    volume = Volume(array.astype(np.int16), "ijk", affine, spacing_mm(affine))
    seed = f"{layout.case}{group[0].slot}{paths[0].parent.name}{number}"
    slices = dicom_write.slice_bytes(
        volume, modality=modality, series_uid=_uid(seed), patient_id=f"twin{number + 1:03d}"
    )
    for path, content in zip(paths, slices, strict=False):
        path.write_bytes(content)


def _uid(seed: str) -> str:
    import hashlib

    return "2.25." + str(int(hashlib.sha256(seed.encode()).hexdigest()[:30], 16))


def is_ct(channel: str) -> bool:
    """True when a channel is called like computed tomography."""
    return any(word.startswith("ct") for word in re.split(r"[^a-z]+", channel.lower()))


def _write_slices(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    shape = _series_shape(layout)
    number = group[0].number
    labels = dict(layout.labels.get(slot.labels or "", {}))
    if slot.role == "image":
        volume = phantom.picture(shape, number, 40, channel=channel_of(layout, slot, group[0]))
    else:
        volume = phantom.mask(shape, slot.kind, labels)
        volume = volume * np.uint8(255) if slot.kind == "binary" else volume
    order = range(len(paths))
    for path, k in zip(paths, reversed(order) if slot.order == "reverse" else order, strict=True):
        formats_write(path, Volume(np.ascontiguousarray(volume[:, :, k].T), "yx"))


def _write_seg(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.formats import dicom_seg

    labels = layout.labels.get(slot.labels or "", {"1": slot.label or "structure"})
    names = [name if not name.startswith("~") else _example_name(name) for name in labels]
    affine = phantom.affine_ras(group[0].number)
    masks = {
        name: Volume(phantom.one_cell(_series_shape(layout), n), "ijk", affine, spacing_mm(affine))
        for n, name in enumerate(names)
    }
    for path in paths:
        dicom_seg.write_seg(path, masks, patient_id=f"twin{group[0].number + 1:03d}")


def _write_rtstruct(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.samples.twin_dicom import write_regions

    write_regions(layout, slot, group, paths, _volume_shape(layout, slot))


def _example_name(expression: str) -> str:
    from medshelf.layout.invent import invent

    return invent("name", expression, 0)
