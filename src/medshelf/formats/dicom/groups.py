"""Functional groups: what an enhanced file says of all its frames together, and of each by itself.

PS3.3 C.7.6.16: a group is either shared or given for every frame. Most of their attributes are those of single
images and are laid over the header as they are; the others are turned into those that single images have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.header import FileHeader
from medshelf.formats.dicom.items import Item, double, read_items, unsigned

Values = dict[int, bytes]

_OWN = (
    tags.POSITION, tags.ORIENTATION, tags.PIXEL_SPACING, tags.SLICE_THICKNESS, tags.SPACING_BETWEEN_SLICES,
    tags.SLOPE, tags.INTERCEPT, tags.ECHO_TIME, tags.TRIGGER_TIME, tags.ACQUISITION_TIME, tags.CONTENT_TIME,
    tags.ACQUISITION_NUMBER, tags.INSTANCE_NUMBER, tags.TEMPORAL_POSITION, tags.STACK_ID, tags.B_VALUE,
)  # fmt: skip
"""Attributes of a frame that single images have too, in the same encoding."""
_NOT_AT_THE_TOP = (tags.POSITION, tags.ORIENTATION, tags.PIXEL_SPACING, tags.SLOPE, tags.INTERCEPT)
"""What an enhanced file says in its functional groups only."""
_OF_SPACE = (0x00209056, 0x00209057, 0x00200032, 0x00209113)
"""StackID, InStackPositionNumber, ImagePositionPatient and its group: dimensions that say where a frame is."""
_OF_DIFFUSION = (0x00189075, 0x00189087, 0x00189089, 0x00189076, 0x00189117, 0x00189601, 0x00189602)
"""Directionality, b-value, direction and what stands for them: several dimensions of one diffusion scan."""


def frame_values(header: FileHeader, frames: int) -> list[Values] | None:
    """Return the attributes of each frame, the file's own among them; None where there are no groups.

    Parameters
    ----------
    header : FileHeader
        Of an enhanced file.
    frames : int
        NumberOfFrames.

    Raises
    ------
    FormatError, Truncated
        The groups are damaged, or not as many as frames.
    Unsupported
        The frames lie in the frame of the transducer, not of the patient.
    """
    shared = read_items(header, tags.SHARED_GROUPS, 1)
    own = read_items(header, tags.FRAME_GROUPS, frames)
    if not shared and not own:
        return None
    if own and len(own) != frames:
        raise FormatError(
            "the functional groups don't describe each frame",
            where=header.blob.name,
            why=f"{frames} frames, {len(own)} groups",
        )
    base = {tag: raw for tag, raw in header.values.items() if tag not in _NOT_AT_THE_TOP}
    for item in shared:
        base |= _flat(item, header)
    found = [base | _flat(item, header) for item in own] or [base] * frames
    for tag, ranks in ((tags.FRAME_RANK, _ranks(header, own)), (tags.GRADIENT, _weightings(header, own))):
        for values, rank in zip(found, ranks, strict=False):
            values[tag] = str(rank).encode()
    return found


def _flat(item: Item, header: FileHeader) -> Values:
    """Lay all groups of one item into one table, those of the standard over what a converter left unassigned."""
    if tags.VOLUME_POSITION in item:
        raise Unsupported(
            "frames with places in the frame of the transducer, not of the patient, are not read",
            where=header.blob.name,
        )
    merged: Item = {}
    for tag in sorted(item, key=lambda tag: tag != tags.UNASSIGNED):
        merged |= _first(item, tag)
    values = {tag: raw for tag in _OWN if isinstance(raw := merged.get(tag), bytes) and raw}
    for tag, turned in _TURNED.items():
        found = turned(merged, header.little)
        if found:
            values[tag] = found
    return values


def _number(tag: int) -> Callable[[Item, bool], bytes]:
    """A double as a decimal string."""

    def turn(merged: Item, little: bool) -> bytes:
        found = double(merged.get(tag), little)
        return b"" if found is None else f"{found:.10g}".encode()

    return turn


def _index(merged: Item, little: bool) -> bytes:
    found = unsigned(merged.get(tags.TEMPORAL_INDEX), little)
    return str(found[0]).encode() if found else b""


def _clock(merged: Item, little: bool) -> bytes:
    """The time of day in a DT (PS3.5 6.2)."""
    for tag in (tags.FRAME_ACQUISITION, tags.FRAME_REFERENCE):
        raw = merged.get(tag)
        if isinstance(raw, bytes) and len(raw) > 8:
            return raw[8:].strip(b" \0").partition(b"+")[0].partition(b"-")[0]
    return b""


def _kind(merged: Item, little: bool) -> bytes:
    """Frame type, and whether it is magnitude, phase, real or imaginary."""
    parts = [merged.get(tag) for tag in (tags.FRAME_TYPE, tags.COMPLEX_COMPONENT)]
    return b"\\".join(raw.strip(b" \0") for raw in parts if isinstance(raw, bytes) and raw)


_TURNED: dict[int, Callable[[Item, bool], bytes]] = {
    tags.ECHO_TIME: _number(tags.EFFECTIVE_ECHO),
    tags.TRIGGER_TIME: _number(tags.TRIGGER_DELAY),
    tags.TEMPORAL_POSITION: _index,
    tags.ACQUISITION_TIME: _clock,
    tags.IMAGE_TYPE: _kind,
}


def _ranks(header: FileHeader, own: Sequence[Item]) -> list[int]:
    """Rank each frame by its dimension indices that are not of space (PS3.3 C.7.6.17), where one thing varies.

    Diffusion is one thing, though its weight and direction are two dimensions. Where more vary, which of them is
    the time is not for a reader to say, and no frame gets a rank.
    """
    pointers = [_pointer(item, header.little) for item in read_items(header, tags.DIMENSIONS, 100)]
    indices = [_indices(item, header.little) for item in own]
    if not pointers or any(len(found) != len(pointers) for found in indices):
        return []
    other = [
        n
        for n, pointer in enumerate(pointers)
        if pointer not in _OF_SPACE and len({found[n] for found in indices}) > 1
    ]
    if len(other) > 1 and any(pointers[n] not in _OF_DIFFUSION for n in other):
        return []
    keys = [tuple(found[n] for n in other) for found in indices]
    order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return [order[key] for key in keys]


def _weightings(header: FileHeader, own: Sequence[Item]) -> list[int]:
    """Number the weightings of a diffusion scan, by b-value, then in the order of the file."""
    keys = [_weighting(item, header.little) for item in own]
    if any(key is None for key in keys):
        return []
    seen = {key: n for n, key in enumerate(dict.fromkeys(keys)) if key is not None}
    order = {key: rank for rank, key in enumerate(sorted(seen, key=lambda key: (key[0], seen[key])))}
    return [order[key] for key in keys if key is not None]


def _weighting(item: Item, little: bool) -> tuple[float, bytes] | None:
    """The b-value and direction of a frame."""
    group = _first(item, 0x00189117)
    weight = double(group.get(tags.B_VALUE), little)
    direction = _first(group, tags.GRADIENT).get(tags.GRADIENT_DIRECTION, b"")
    return None if weight is None or not isinstance(direction, bytes) else (weight, direction)


def _first(item: Item, tag: int) -> Item:
    group = item.get(tag)
    return group[0] if isinstance(group, list) and group else {}


def _pointer(item: Item, little: bool) -> int:
    raw = item.get(tags.DIMENSION_POINTER)
    if not isinstance(raw, bytes) or len(raw) < 4:
        return 0
    order = "little" if little else "big"
    return int.from_bytes(raw[:2], order) << 16 | int.from_bytes(raw[2:4], order)


def _indices(item: Item, little: bool) -> tuple[int, ...]:
    return unsigned(_first(item, 0x00209111).get(tags.FRAME_RANK), little)
