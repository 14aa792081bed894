"""Masks whose values are not what the layout says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medshelf.audit.facts import CaseFacts
from medshelf.audit.reading import MaskReading, Part, Reading
from medshelf.audit.values import meaning, totals, written
from medshelf.model.finding import Finding, Severity

_SHOWN = 20
_ENOUGH_CASES = 5
"""In fewer cases it means nothing that a structure is in none."""
_MAPPED = ("index", "bands", "bits", "colour", "channels", "instance-channels")
_TWO_VALUES = {0, 1, 255}


def unknown_values(reading: Reading) -> Iterator[Finding]:
    """Report values that the label map does not hold."""
    for mask, part in _counted(reading, _MAPPED):
        if not mask.labels or part.structure:
            continue
        assert part.contents is not None
        means = meaning(mask.kind, mask.labels)
        strange = {v: n for v, n in part.contents.counts.items() if v != 0 and n and means(v) is None}
        if mask.kind in ("channels", "instance-channels"):
            strange = {v: n for v, n in part.contents.counts.items() if n and means(v) is None}
        if not strange:
            continue
        some = sorted(strange.items(), key=lambda item: -item[1])
        told = ", ".join(f"{written(mask.kind, v)} ({n})" for v, n in some[:5]) + (", …" if len(some) > 5 else "")
        yield Finding(
            "label.unknown-value", "error", f"{len(strange)} values stand for nothing that is declared: {told} voxels",
            case=reading.case.id, file=part.files[0],
            evidence={"voxels": {written(mask.kind, v): n for v, n in some[:_SHOWN]}, "declared": dict(mask.labels)},
            proposal="Add them to the record's labels if they mean something; else treat them as not annotated",
        )  # fmt: skip


def _counted(reading: Reading, kinds: Sequence[str]) -> Iterator[tuple[MaskReading, Part]]:
    for mask in reading.masks:
        if mask.kind in kinds:
            yield from ((mask, part) for part in mask.read)


def fractions(reading: Reading) -> Iterator[Finding]:
    """Report masks of whole numbers with values in between, or with values that are no numbers."""
    for mask in reading.masks:
        for part in mask.read:
            seen = part.contents
            assert seen is not None
            if mask.kind == "probability":
                yield from _no_probability(reading, part)
            elif seen.n_fractional or seen.n_not_finite:
                yield Finding(
                    "label.fraction", "error",
                    f"{seen.n_fractional + seen.n_not_finite} voxels of this mask are no whole number",
                    case=reading.case.id, file=part.files[0],
                    evidence={"n": seen.n_fractional, "not_finite": seen.n_not_finite, "values": seen.fractions},
                    proposal="It was resampled with interpolation: take the original, or round it with care",
                )  # fmt: skip


def _no_probability(reading: Reading, part: Part) -> Iterator[Finding]:
    seen = part.contents
    assert seen is not None
    fraction = part.header is not None and part.header.dtype.startswith("f")
    odd = {v: n for v, n in seen.counts.items() if not 0 <= v <= (1 if fraction else 255)}
    if odd or seen.n_not_finite:
        yield Finding(
            "label.not-probability", "error", f"{sum(odd.values()) + seen.n_not_finite} values are no probability",
            case=reading.case.id, file=part.files[0], evidence={"values": dict(list(odd.items())[:_SHOWN])},
            proposal="Logits, perhaps: look at the program that wrote it",
        )  # fmt: skip


def greys(reading: Reading) -> Iterator[Finding]:
    """Report binary masks with more than two values: greys of JPEG or of smoothed edges."""
    for mask in reading.masks:
        per_file = mask.kind == "instance" and len(mask.parts) > 1
        if mask.kind != "binary" and not per_file:
            continue
        for part in mask.read:
            assert part.contents is not None
            counts = part.contents.counts
            if len(counts) <= 2 or (len(counts) == 3 and set(counts) == _TWO_VALUES):
                continue
            top = max(counts)
            grey = {v: n for v, n in counts.items() if v not in (0, top)}
            yield Finding(
                "label.grey", "warning",
                f"a mask of yes and no has {len(counts)} values; {sum(grey.values())} of {part.contents.n_inside} "
                "voxels inside are in between",
                case=reading.case.id, file=part.files[0],
                evidence={"n_values": len(counts), "n_between": sum(grey.values()), "top": top},
                proposal=f"Everything that is not 0 counts as inside; a threshold (at {(top + 1) // 2}) would differ",
            )  # fmt: skip


def coloured(reading: Reading) -> Iterator[Finding]:
    """Report masks of single values that are stored as pictures with differing colours."""
    for mask in reading.masks:
        for part in mask.read:
            assert part.contents is not None
            if part.contents.n_disagree:
                yield Finding(
                    "label.coloured", "warning",
                    f"{part.contents.n_disagree} pixels of this mask are coloured, where one value is expected",
                    case=reading.case.id, file=part.files[0], evidence={"n": part.contents.n_disagree},
                    proposal="Marks drawn over the mask, or colours that the record should map",
                )  # fmt: skip


def empty(reading: Reading) -> Iterator[Finding]:
    """Report masks in which nothing is marked; a mask of one lesion may well be empty in a healthy case."""
    for mask in reading.masks:
        if not mask.read or len(mask.read) < len(mask.parts):
            continue
        if mask.kind == "instance" and len(mask.parts) > 1:
            yield from _empty_instances(reading, mask)
        if any(totals(mask).values()) or any(p.contents and p.contents.n_inside for p in mask.parts):
            continue
        many = f"all {len(mask.parts)} masks of this case are" if len(mask.parts) > 1 else "the mask is"
        yield Finding(
            "label.empty", _severity_of_empty(mask), f"{many} empty", case=reading.case.id, file=mask.read[0].files[0],
            evidence={"structures": list(mask.declared)[:50], "n_files": len(mask.parts)},
            proposal="Look at the image: either nothing is there to mark, or nobody marked it",
        )  # fmt: skip


def _severity_of_empty(mask: MaskReading) -> Severity:
    """A finding (after a slash, such as ``liver/neoplasm``) may be absent; an organ of every scan may not."""
    if mask.slot is not None and mask.slot.absent == "empty":
        return "info"
    return "info" if mask.declared and all("/" in structure for structure in mask.declared) else "warning"


def _empty_instances(reading: Reading, mask: MaskReading) -> Iterator[Finding]:
    blank = [p for p in mask.read if p.contents is not None and not p.contents.n_inside]
    if blank and len(blank) < len(mask.parts):
        yield Finding(
            "label.empty", "warning", f"{len(blank)} of {len(mask.parts)} masks, each of one instance, are empty",
            case=reading.case.id, file=blank[0].files[0], evidence={"files": [p.files[0] for p in blank[:_SHOWN]]},
            proposal="Leave these files out",
        )  # fmt: skip


def overlapping_instances(reading: Reading) -> Iterator[Finding]:
    """Report pixels that lie in several instances."""
    for mask in reading.masks:
        if mask.n_overlapping:
            inside = sum(p.contents.n_inside for p in mask.read if p.contents is not None)
            yield Finding(
                "label.overlap", "warning",
                f"{mask.n_overlapping} pixels lie in more than one of {len(mask.parts)} instances",
                case=reading.case.id, file=mask.parts[0].files[0],
                evidence={"n": mask.n_overlapping, "n_inside": inside, "n_instances": len(mask.parts)},
                proposal="In one picture of numbered instances the later one wins there",
            )  # fmt: skip


def never_present(cases: Sequence[CaseFacts]) -> Iterator[Finding]:
    """Report structures that are declared and occur in none of the cases."""
    seen: dict[str, dict[str, int]] = {}
    n_cases: dict[str, int] = {}
    for case in cases:
        for mask in case.masks:
            name = mask.name.partition("@")[0]
            n_cases[name] = n_cases.get(name, 0) + 1
            for structure, n in mask.voxels.items():
                there = seen.setdefault(name, {})
                there[structure] = there.get(structure, 0) + (n > 0)
    for name, there in seen.items():
        absent = [structure for structure, n in there.items() if n == 0]
        if absent and len(absent) < len(there) and n_cases[name] >= _ENOUGH_CASES:
            yield Finding(
                "label.never-present", "info",
                f"in none of {n_cases[name]} cases does {name} hold {', '.join(absent[:10])}"
                + (f" or {len(absent) - 10} more" if len(absent) > 10 else ""),
                evidence={"mask": name, "structures": absent[:50], "n": len(absent), "n_cases": n_cases[name]},
                proposal="Rare, or a wrong entry of the record's labels",
            )  # fmt: skip
