"""Is a layout well formed? What can be said of it without any file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medshelf.errors import LayoutError
from medshelf.layout.join import SERIES_READERS, anchor_slots, bound_fields
from medshelf.layout.lint_tables import table_complaints
from medshelf.layout.match import templates_of
from medshelf.layout.template import Template, parse
from medshelf.model.layout import Layout, Slot

OPERATIONS = frozenset(
    ("flip", "rot90", "transpose", "squeeze", "take", "offset", "scale", "threshold", "astype", "map", "nearest",
     "geometry")
)  # fmt: skip
"""The closed list of array operations; `medshelf.samples.operate` carries them out."""
Complaint = tuple[tuple[str | int, ...], str]


def complaints(layout: Layout) -> Iterator[Complaint]:
    """Yield what is wrong with a layout: path below the layout, message."""
    templates: dict[str, list[Template]] = {}
    for name, slot in layout.files.items():
        templates[name] = []
        for text in templates_of(slot):
            try:
                templates[name].append(parse(text))
            except LayoutError as error:
                yield ("files", name), str(error)
    for name, table in layout.tables.items():
        for text in (table.path,) if isinstance(table.path, str) else table.path:
            try:
                parse(text)
            except LayoutError as error:
                yield ("tables", name), str(error)
    captured = {f for found in templates.values() for t in found for f in t.fields}
    known = captured | set(layout.fields)
    yield from _anchors(layout, templates)
    for name, slot in layout.files.items():
        yield from _slot(layout, name, slot, templates[name], known)
        yield from _moments(layout, name, slot, known)
    yield from _tables(layout)
    yield from _operations(layout)
    yield from _rules(layout)
    yield from _regions(layout)
    yield from _texts(layout, known)
    yield from _heads(layout, known)
    yield from table_complaints(layout)


def _anchors(layout: Layout, templates: dict[str, list[Template]]) -> Iterator[Complaint]:
    anchors = anchor_slots(layout)
    if not anchors and not any(table.anchor for table in layout.tables.values()):
        yield ("files",), "nothing makes a case: no image, and no table with anchor = true"
    for key in layout.key:
        rule = layout.fields.get(key)
        source = rule.of if rule and rule.of else key
        for slot in anchors:
            fields = {f for t in templates[slot] for f in t.fields}
            if source not in fields and not (rule and rule.default) and not _shared(layout, slot, templates):
                yield ("key",), f"the slot {slot} makes cases and does not tell the key field {key!r}"


def _shared(layout: Layout, slot: str, templates: dict[str, list[Template]]) -> bool:
    """True when another image slot tells the whole key, so that this one is shared by several cases."""
    return any(
        set(layout.key) <= {f for t in templates[other] for f in t.fields} | set(layout.fields)
        for other in anchor_slots(layout)
        if other != slot
    )


def _slot(layout: Layout, name: str, slot: Slot, templates: list[Template], known: set[str]) -> Iterator[Complaint]:
    fields = {f for t in templates for f in t.fields}
    for field in (*bound_fields(slot), *slot.complete):
        if field not in known:
            yield ("files", name), f"there is no field {field!r}"
    for field in slot.complete:
        if not any(field in t.enumerated for t in templates):
            yield ("files", name, "complete"), f"{field!r} is not enumerated in the template"
    for field in slot.only:
        if field not in known:
            yield ("files", name, "only"), f"there is no field {field!r}"
    if slot.along and slot.along not in fields:
        yield ("files", name, "along"), f"the template has no field {slot.along!r}"
    if slot.reader == "slices" and not slot.along:
        yield ("files", name), "a series of pictures needs `along`"
    names_itself = slot.reader in (*SERIES_READERS, "dicom_seg", "rtstruct") or slot.labels or slot.label or slot.note
    if slot.role == "mask" and not names_itself:
        yield ("files", name), "a mask needs `labels` or `label`, or a note that says why nobody knows"


def _moments(layout: Layout, name: str, slot: Slot, known: set[str]) -> Iterator[Complaint]:
    """Check what tells the frames of a series and the classes of instances."""
    sources = known | set(layout.tables) | {n for n, s in layout.files.items() if s.role == "record"}
    for frame, of in slot.frames.items():
        if isinstance(of, str) and of.partition(".")[0] not in sources:
            yield ("files", name, "frames"), f"{frame}: {of!r} is no field, table or record of this layout"
    if slot.classes is None:
        return
    if slot.kind != "instance" or not slot.labels:
        yield ("files", name, "classes"), "only a mask of kind instance with `labels` has classes of instances"
    if slot.classes.table not in layout.tables:
        yield ("files", name, "classes"), f"there is no table {slot.classes.table!r}"


def _tables(layout: Layout) -> Iterator[Complaint]:
    for name, table in layout.tables.items():
        if bool(table.path) == bool(table.rows):
            yield ("tables", name), "a table has either a `path` or `rows`"


def _operations(layout: Layout) -> Iterator[Complaint]:
    for name, slot in layout.files.items():
        for step in slot.ops:
            for word in set(step) - OPERATIONS:
                yield ("files", name, "ops"), f"there is no operation {word!r}. Known: {', '.join(sorted(OPERATIONS))}"


def _rules(layout: Layout) -> Iterator[Complaint]:
    """Check what would otherwise only show when a name comes by: expressions and ranges."""
    for name, rule in layout.fields.items():
        if rule.take is not None and _groups(rule.take) != 1:
            yield ("fields", name, "take"), f"{rule.take!r} is not a regular expression with one group"
        for span in rule.ranges:
            if not re.fullmatch(r"[0-9]+(-[0-9]+)?", span):
                yield ("fields", name, "ranges"), f"{span!r} is not a range such as \"1-410\""
    for name, mapping in layout.labels.items():
        for key in mapping:
            if key.startswith("~") and _groups(key[1:]) is None:
                yield ("labels", name, key), f"{key!r} is not a regular expression"


def _regions(layout: Layout) -> Iterator[Complaint]:
    """Check that a derived structure is neither made of itself nor written in a mask."""
    written = {structure for mapping in layout.labels.values() for structure in mapping.values()}
    for name, parts in layout.regions.items():
        if name in parts:
            yield ("regions", name), f"the region {name!r} is made of itself: give the whole another name"
        elif name in written:
            yield ("regions", name), f"{name!r} is what a mask says already: give the region another name"


def _groups(expression: str) -> int | None:
    try:
        return re.compile(expression).groups
    except re.error:
        return None


def _texts(layout: Layout, known: set[str]) -> Iterator[Complaint]:
    texts = [("case", layout.case), ("patient", layout.patient)]
    for where, text in texts:
        for field in re.findall(r"\{(\w+)", text or ""):
            if field not in known and not any(t.anchor for t in layout.tables.values()):
                yield (where,), f"there is no field {field!r}"


def _heads(layout: Layout, known: set[str]) -> Iterator[Complaint]:
    """Check that targets and the split come from something that the layout has."""
    records = {n for n, s in layout.files.items() if s.role in ("record", "target")}
    named: list[tuple[tuple[str | int, ...], str]] = [(("targets", n), t.of) for n, t in layout.targets.items()]
    if layout.split is not None:
        named.append((("split",), layout.split.of))
    named += [(("splits", n), one.of) for n, one in layout.splits.items()]
    for where, of in named:
        head = of.partition(".")[0]
        if head not in known | records | set(layout.tables):
            yield where, f"{of!r} is no field, table or record of this layout"
