"""Parts of one series that are volumes of their own: stacks, echoes, kinds of image."""

from __future__ import annotations

from collections.abc import Sequence

from medshelf.errors import FormatError, NotAVolume
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.slice import Slice
from medshelf.formats.dicom.stack import at_positions, normal_of
from medshelf.model.natural import natural_key


def parts_of(slices: list[Slice]) -> list[tuple[str, list[Slice]]]:
    """Return the parts of a series, each with what sets it apart from the others.

    Stacks of frames that an enhanced file tells apart are parts. So are images at the same positions that differ
    in echo time or kind of image, where each part is complete; and doses of which each is whole in one file.
    """
    if slices[0].kind == "rtdose" and len({id(one.file) for one in slices}) < len(slices):
        return _by_file(slices)
    stacks: dict[str, list[Slice]] = {}
    for one in slices:
        stacks.setdefault(one.header.text(tags.STACK_ID), []).append(one)
    if len(stacks) == 1:
        return _kinds(slices)
    return [
        (f"stack {stack} {label}".rstrip(), part)
        for stack in sorted(stacks, key=natural_key)
        for label, part in _kinds(stacks[stack])
    ]


def _by_file(slices: list[Slice]) -> list[tuple[str, list[Slice]]]:
    files: dict[int, list[Slice]] = {}
    for one in slices:
        files.setdefault(id(one.file), []).append(one)
    return [(part[0].file.name if len(files) > 1 else "", part) for part in files.values()]


def _kinds(slices: list[Slice]) -> list[tuple[str, list[Slice]]]:
    """Split images at the same positions that differ in echo time or kind of image, each part complete."""
    first = slices[0]
    images = first.kind == "image" or first.whole is not None
    if len(slices) < 2 or not images or any(not is_placed(one) for one in slices):
        return [("", slices)]
    parts: dict[tuple[str, float], list[Slice]] = {}
    for one in slices:
        parts.setdefault((one.header.text(tags.IMAGE_TYPE), _echo_ms(one)), []).append(one)
    if len(parts) == 1:
        return [("", slices)]
    places = {len(places_of(part)) for part in parts.values()}
    if places != {len(places_of(slices))}:
        return [("", slices)]
    return [(_label(key, list(parts)), parts[key]) for key in sorted(parts)]


def _echo_ms(one: Slice) -> float:
    try:
        return one.header.number(tags.ECHO_TIME) or 0.0
    except FormatError:
        return 0.0


def is_placed(one: Slice) -> bool:
    """Return whether an image says where it is."""
    return one.position_mm is not None and one.orientation is not None


def places_of(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Return the images by their place along the normal, none where they have no common one."""
    try:
        return at_positions(slices, normal_of(slices[0]))
    except NotAVolume:
        return []


def _label(key: tuple[str, float], keys: list[tuple[str, float]]) -> str:
    common = set.intersection(*(set(image_type.split("\\")) for image_type, _ in keys))
    words = [word for word in key[0].split("\\") if word not in common]
    if len({echo for _, echo in keys}) > 1:
        words.append(f"echo time {key[1]:g} ms")
    return " ".join(words)


