"""Which distributions a report shows, drawn from the facts of the cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from medshelf.audit import charts
from medshelf.audit.facts import CaseFacts, ImageFacts

Chart = tuple[str, str]
"""Title and SVG."""


def alike(facts: Sequence[CaseFacts]) -> dict[str, str]:
    """Return what is the same in all cases."""
    images = _first_images(facts)
    traits = {
        "voxels" if images and images[0].axes.startswith("ijk") else "pixels": [_by(i.shape) for i in images],
        "spacing": [_by(i.spacing_mm) + " mm" if i.spacing_mm else "" for i in images],
        "stored as": [i.orientation or "" for i in images],
        "type": [i.dtype for i in images],
    }
    return {name: values[0] for name, values in traits.items() if len(set(values)) == 1 and values[0]}


def _by(values: Sequence[float]) -> str:
    return " × ".join(f"{v:.4g}" for v in values)


def distributions(facts: Sequence[CaseFacts]) -> Iterator[Chart]:
    """Yield title and chart of everything that varies between cases and is worth a look."""
    yield from _sizes(facts)
    yield from _spacings(facts)
    yield from _intensities(facts)
    yield from _marked(facts)
    yield from _counts(facts)


def _by_channel(facts: Sequence[CaseFacts]) -> dict[str, list[tuple[CaseFacts, ImageFacts]]]:
    found: dict[str, list[tuple[CaseFacts, ImageFacts]]] = {}
    for case in facts:
        for image in case.images:
            found.setdefault(image.channel, []).append((case, image))
    return dict(list(found.items())[:8])


def _first_images(facts: Sequence[CaseFacts]) -> list[ImageFacts]:
    return [case.images[0] for case in facts if case.images]


def _sizes(facts: Sequence[CaseFacts]) -> Iterator[Chart]:
    images = _first_images(facts)
    volumes = [i for i in images if i.axes.startswith("ijk") and len(i.shape) >= 3]
    pictures = [i for i in images if i.axes.startswith("y")]
    for axis, name in enumerate(("first", "second", "third")):
        if volumes:
            yield f"Size along the {name} axis", charts.histogram([i.shape[axis] for i in volumes], "voxels")
    if pictures:
        yield "Width", charts.histogram([i.shape[1] for i in pictures], "pixels")
        yield "Height", charts.histogram([i.shape[0] for i in pictures], "pixels")


def _spacings(facts: Sequence[CaseFacts]) -> Iterator[Chart]:
    spaced = [i.spacing_mm for i in _first_images(facts) if i.spacing_mm and len(i.spacing_mm) == 3]
    if spaced:
        yield "Finest spacing", charts.histogram([min(s) for s in spaced], "mm")
        yield "Coarsest spacing", charts.histogram([max(s) for s in spaced], "mm")


def _intensities(facts: Sequence[CaseFacts]) -> Iterator[Chart]:
    for channel, pairs in _by_channel(facts).items():
        rows = [
            (case.case, image.percentiles["1"], image.percentiles["50"], image.percentiles["99"])
            for case, image in pairs
            if image.percentiles
        ]
        if rows:
            yield f"Values of {channel}: 1st to 99th percentile of each case", charts.ranges(rows, "")


def _marked(facts: Sequence[CaseFacts]) -> Iterator[Chart]:
    """Volumes, or pixels where no volume is known, of every structure of every mask."""
    names = dict.fromkeys(mask.name for case in facts for mask in case.masks)
    for name in list(names)[:6]:
        masks = [mask for case in facts for mask in case.masks if mask.name == name and mask.complete]
        if any(mask.n_instances is not None for mask in masks):
            counts = [mask.n_instances for mask in masks if mask.n_instances is not None]
            yield f"Instances of {name}", charts.histogram(counts, "instances")
        in_ml = bool(masks) and all(mask.volumes_ml is not None for mask in masks)
        groups: dict[str, list[float]] = {}
        for mask in masks:
            for structure, amount in ((mask.volumes_ml if in_ml else mask.voxels) or {}).items():
                groups.setdefault(structure, []).append(amount)
        if groups and any(any(group) for group in groups.values()):
            unit = "ml" if in_ml else "pixels"
            yield f"Marked in {name}: {unit}, and cases", charts.strips(groups, len(masks))


def _counts(facts: Sequence[CaseFacts]) -> Iterator[Chart]:
    boxes: Counter[str] = Counter()
    classes: dict[str, Counter[str]] = {}
    splits: Counter[str] = Counter()
    for case in facts:
        boxes.update(case.boxes)
        splits[case.split or "none"] += 1
        for name, value in case.classes.items():
            classes.setdefault(name, Counter())[value] += 1
    if boxes:
        yield "Boxes", charts.bars(boxes)
    for name, counts in list(classes.items())[:6]:
        if len(counts) <= 60:
            yield f"Cases by {name}", charts.bars(counts)
    if len(splits) > 1:
        yield "Cases by split", charts.bars(splits)
