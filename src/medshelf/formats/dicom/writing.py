"""Writing a volume as an uncompressed DICOM series, for synthetic twins of datasets and for tests.

The files hold what PS3.3 A.3 (CT), A.4 (MR) or A.21 (PET) need to be read as a volume, in Explicit VR Little
Endian; they are valid enough to be read by every reader, and not meant for a clinical archive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from medshelf.errors import Unsupported
from medshelf.model.geometry import lps_to_ras
from medshelf.model.volume import Volume

_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
}
_LONG = ("OB", "OW", "SQ", "UN", "UT")
_CT_AIR, _CT_TOP = -1024, 3071  # Hounsfield units that twelve bits hold


def uid_from(seed: str) -> str:
    """Return a UID that is always the same for a seed: ``2.25.`` and a number of 128 bits (PS3.5 B.2)."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], "big")
    number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62  # a UUID of version 8 (RFC 9562)
    return f"2.25.{number}"


def slice_bytes(
    volume: Volume,
    *,
    modality: str,
    series_uid: str,
    patient_id: str,
    study_uid: str | None = None,
    frame_of_reference_uid: str | None = None,
    description: str = "",
    series_number: int = 1,
    rescale: tuple[float, float] | None = None,
) -> list[bytes]:
    """Return the DICOM files of a volume, one a slice: all slices of the first time, then of the next.

    Parameters
    ----------
    volume : Volume
        ``"ijk"`` or ``"ijkt"``, with an affine; grey values. Slices are written in the order of k, which need
        not be the order of `medshelf.formats.dicom.read_series`: that follows the normal.
    modality : {"CT", "MR", "PT"}
    series_uid, study_uid, frame_of_reference_uid : str
        UIDs, such as `uid_from` makes; study and frame of reference follow from the patient by default.
    patient_id, description : str
    series_number : int
    rescale : (slope, intercept), optional
        How values are stored; fractions are rounded to it. By default values must be whole, and CT in the
        range of twelve bits is stored as scanners do, with an intercept of -1024.

    Raises
    ------
    Unsupported
        The volume has no affine or no such axes, the modality is another, or the values don't fit 16 bits.
    """
    if modality not in _CLASSES or volume.affine is None or volume.axes not in ("ijk", "ijkt"):
        raise Unsupported(
            "only CT, MR or PT volumes with an affine are written as DICOM",
            why=f"modality {modality!r}, axes {volume.axes!r}, affine {volume.affine}",
        )
    stored, bits, slope, intercept = _stored(volume.array, modality, rescale)
    frames = stored if stored.ndim == 4 else stored[..., None]
    study = study_uid or uid_from(f"study of {patient_id}")
    shared = _constant(modality) | _pixel_module(
        stored, bits, slope, intercept, modality, rescale is not None
    )
    shared |= {
        (0x0008, 0x103E): ("LO", description),
        (0x0010, 0x0010): ("PN", patient_id),
        (0x0010, 0x0020): ("LO", patient_id),
        (0x0020, 0x000D): ("UI", study),
        (0x0020, 0x000E): ("UI", series_uid),
        (0x0020, 0x0011): ("IS", str(series_number)),
        (0x0020, 0x0052): ("UI", frame_of_reference_uid or uid_from(f"frame of reference of {study}")),
    }
    files: list[bytes] = []
    for t in range(frames.shape[3]):
        for k in range(frames.shape[2]):
            uid = uid_from(f"{series_uid} {len(files)}")
            own = _place(volume.affine, k, len(files)) | {(0x0008, 0x0018): ("UI", uid)}
            if volume.axes == "ijkt":
                own |= {(0x0020, 0x0100): ("IS", str(t + 1)), (0x0020, 0x0105): ("IS", str(frames.shape[3]))}
            own[0x7FE0, 0x0010] = ("OW", np.ascontiguousarray(frames[:, :, k, t].T).tobytes())
            files.append(_file(shared | own, _CLASSES[modality], uid))
    return files


def write_series(
    folder: Path,
    volume: Volume,
    *,
    modality: str,
    series_uid: str,
    patient_id: str,
    study_uid: str | None = None,
    frame_of_reference_uid: str | None = None,
    description: str = "",
    series_number: int = 1,
    rescale: tuple[float, float] | None = None,
    name: Callable[[int], str] | Sequence[str] = "{:04d}.dcm".format,
) -> list[Path]:
    """Write a volume as DICOM files into a folder, which is made if need be.

    Parameters
    ----------
    folder : Path
    name : callable or sequence of str
        File name of each slice, from its number counted from 0; ``"0000.dcm"`` and on by default.

    Other parameters, errors and order as in `slice_bytes`.

    Returns
    -------
    list of Path
        The files, in the order of `slice_bytes`.
    """
    files = slice_bytes(
        volume,
        modality=modality,
        series_uid=series_uid,
        patient_id=patient_id,
        study_uid=study_uid,
        frame_of_reference_uid=frame_of_reference_uid,
        description=description,
        series_number=series_number,
        rescale=rescale,
    )
    names = [name(n) for n in range(len(files))] if callable(name) else list(name)
    if len(set(names)) != len(files):
        why = f"{len(set(names))} for {len(files)} slices"
        raise Unsupported("a file name of its own for each slice is needed", why=why)
    paths = [Path(folder) / one for one in names]
    for path, data in zip(paths, files, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return paths


_Elements = dict[tuple[int, int], tuple[str, "str | int | bytes"]]


def _stored(
    array: np.ndarray, modality: str, rescale: tuple[float, float] | None
) -> tuple[np.ndarray, int, float, float]:
    """Return values as 16-bit integers, with the bits that they need, and slope and intercept."""
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    slope, intercept = rescale or (1.0, 0.0)
    if rescale is None and modality == "CT" and low >= _CT_AIR and high <= _CT_TOP:
        intercept = float(_CT_AIR)
    values = array if rescale is None else np.rint((array.astype(np.float64) - intercept) / slope)
    if rescale is None and array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        raise Unsupported("fractions are written only with a rescale of slope and intercept")
    if rescale is None and intercept:
        return (values.astype(np.int32) - int(intercept)).astype("<u2"), 12, slope, intercept
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    for dtype, least, most in (("<i2", -32768, 32767), ("<u2", 0, 65535)):
        if least <= low and high <= most:
            return values.astype(dtype), 16, slope, intercept
    raise Unsupported("the values don't fit into 16 bits", why=f"stored values from {low:g} to {high:g}")


def _pixel_module(
    stored: np.ndarray, bits: int, slope: float, intercept: float, modality: str, rescaled: bool
) -> _Elements:
    """The image pixel module, PS3.3 C.7.6.3, and the rescaling, C.11.1."""
    found: _Elements = {
        (0x0028, 0x0002): ("US", 1),
        (0x0028, 0x0004): ("CS", "MONOCHROME2"),
        (0x0028, 0x0010): ("US", stored.shape[1]),
        (0x0028, 0x0011): ("US", stored.shape[0]),
        (0x0028, 0x0100): ("US", 16),
        (0x0028, 0x0101): ("US", bits),
        (0x0028, 0x0102): ("US", bits - 1),
        (0x0028, 0x0103): ("US", int(stored.dtype.kind == "i")),
    }
    if modality == "CT" or rescaled:
        found[0x0028, 0x1052] = ("DS", _decimal(intercept))
        found[0x0028, 0x1053] = ("DS", _decimal(slope))
    return found


def _constant(modality: str) -> _Elements:
    """What kind of object it is, and the attributes that must be there and say nothing."""
    return {
        (0x0008, 0x0016): ("UI", _CLASSES[modality]),
        (0x0008, 0x0060): ("CS", modality),
        (0x0008, 0x0008): ("CS", "DERIVED\\SECONDARY" + ("\\AXIAL" if modality == "CT" else "\\OTHER")),
        (0x0008, 0x0020): ("DA", ""),
        (0x0008, 0x0030): ("TM", ""),
        (0x0008, 0x0050): ("SH", ""),
        (0x0008, 0x0070): ("LO", ""),
        (0x0008, 0x0090): ("PN", ""),
        (0x0010, 0x0030): ("DA", ""),
        (0x0010, 0x0040): ("CS", ""),
        (0x0020, 0x0010): ("SH", ""),
        (0x0020, 0x1040): ("LO", ""),
        **({(0x0018, 0x0060): ("DS", "")} if modality == "CT" else {}),
    }


def _place(affine_ras: np.ndarray, k: int, number: int) -> _Elements:
    """Where slice k is: the image plane module, PS3.3 C.7.6.2."""
    lps = lps_to_ras(affine_ras)  # the change is its own inverse
    lengths = np.linalg.norm(lps[:3, :3], axis=0)
    cosines = lps[:3, :2] / lengths[:2]
    position = lps[:3, 3] + k * lps[:3, 2]
    normal = np.cross(cosines[:, 0], cosines[:, 1])
    return {
        (0x0018, 0x0050): ("DS", _decimal(abs(float(lps[:3, 2] @ normal)))),
        (0x0020, 0x0012): ("IS", "1"),
        (0x0020, 0x0013): ("IS", str(number + 1)),
        (0x0020, 0x0032): ("DS", _decimals(position)),
        (0x0020, 0x0037): ("DS", _decimals(cosines.T.ravel())),
        (0x0028, 0x0030): ("DS", _decimals([lengths[1], lengths[0]])),
    }


def _decimals(values: Sequence[float] | np.ndarray) -> str:
    return "\\".join(_decimal(float(value)) for value in values)


def _decimal(value: float) -> str:
    """Write a decimal string of at most 16 characters (PS3.5 6.2, DS), as precise as they allow."""
    for digits in range(17, 5, -1):
        text = f"{value + 0.0:.{digits}g}"
        if len(text) <= 16 and float(text) == value:
            return text
    return next(text for digits in range(15, 5, -1) if len(text := f"{value + 0.0:.{digits}g}") <= 16)


def _file(elements: _Elements, sop_class: str, instance: str) -> bytes:
    """Encode one file: preamble, meta information (PS3.10 7.1), data set by ascending tag."""
    meta: _Elements = {
        (0x0002, 0x0001): ("OB", b"\0\1"),
        (0x0002, 0x0002): ("UI", sop_class),
        (0x0002, 0x0003): ("UI", instance),
        (0x0002, 0x0010): ("UI", "1.2.840.10008.1.2.1"),
        (0x0002, 0x0012): ("UI", uid_from("medshelf")),
    }
    encoded = b"".join(_element(tag, *meta[tag]) for tag in sorted(meta))
    length = _element((0x0002, 0x0000), "UL", len(encoded))
    body = b"".join(_element(tag, *elements[tag]) for tag in sorted(elements))
    return bytes(128) + b"DICM" + length + encoded + body


def _element(tag: tuple[int, int], vr: str, value: str | int | bytes) -> bytes:
    """Encode one element in explicit VR little endian, padded to an even length (PS3.5 7.1.2)."""
    if isinstance(value, int):
        value = value.to_bytes(2 if vr == "US" else 4, "little")
    elif isinstance(value, str):
        value = value.encode("ascii", "replace")
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "OW") else b" "
    head = tag[0].to_bytes(2, "little") + tag[1].to_bytes(2, "little") + vr.encode()
    if vr in _LONG:
        return head + b"\0\0" + len(value).to_bytes(4, "little") + value
    return head + len(value).to_bytes(2, "little") + value
