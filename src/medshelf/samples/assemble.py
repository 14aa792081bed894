"""Make the images, annotations, targets and records of a sample from the files of its case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from medshelf.access.tree import Tree
from medshelf.errors import Unsupported
from medshelf.layout.fields import fill
from medshelf.layout.join import SERIES_READERS
from medshelf.model.case import Case, FileRef
from medshelf.model.dataset import Erratum
from medshelf.model.labels import State, named, structures_of
from medshelf.model.layout import InstanceClasses, Layout, Slot
from medshelf.model.natural import natural_key
from medshelf.samples.annotation import Annotation, Mask
from medshelf.samples.frames import frames_of
from medshelf.samples.image import Image
from medshelf.samples.native import LOADERS, Documents, Request
from medshelf.samples.sample import Lazy, Sample
from medshelf.samples.segments import regions_of, segments_of
from medshelf.samples.table_boxes import boxes_of_rows
from medshelf.samples.tables import Table, comparable
from medshelf.samples.targets import value_of

_Rows = Mapping[str, list[Mapping[str, Any]]]
_Records = Mapping[str, Mapping[str, Any]]
_ABSENT = {"empty": State.ABSENT, "unknown": State.NOT_ANNOTATED, None: State.NOT_ANNOTATED}


@dataclass(frozen=True)
class Assembler:
    """All that is needed to make samples of one dataset. Picklable."""

    dataset: str
    layout: Layout
    tree: Tree
    tables: Mapping[str, Table]
    errata: tuple[Erratum, ...] = ()
    """Known defects of the release that are put right when its files are read."""
    documents: Documents = field(default_factory=Documents, repr=False)

    def sample(self, case: Case, row: Mapping[str, Any] | None = None) -> Sample:
        """Return the sample of a case; `row` is its row when the rows of a table are the cases."""
        rows = Lazy("table", {n: partial(self._rows, t, case, row) for n, t in self.tables.items()})
        records = Lazy("record", self._records(case))
        images = Lazy("image", self._images(case, rows, records), self._elsewhere())
        return Sample(
            dataset=self.dataset,
            case=case.id,
            patient=case.patient,
            split=case.split,
            fields=case.fields,
            images=images,
            annotations=Lazy("annotation", self._annotations(case, images, rows, records)),
            targets=Lazy("target", self._targets(case, rows, records)),
            tables=rows,
            records=records,
            files=case,
        )

    # --- images ----------------------------------------------------------------------------

    def _images(self, case: Case, rows: _Rows, records: _Records) -> dict[str, Callable[[], Image]]:
        makers: dict[str, Callable[[], Image]] = {}
        for name, slot in self.layout.files.items():
            refs = case.files.get(name, ())
            if slot.role not in ("image", "video") or not refs:
                continue
            for channel, group in _grouped(slot.channel or name, refs).items():
                image = self._image(channel, slot, group, case)
                makers |= frames_of(image, slot, case.fields, rows, records)
                if slot.channels:
                    for n, part in enumerate(slot.channels):
                        makers[part] = partial(Image, part, image.blobs, source=image, index=(-1, n))
                else:
                    makers[channel] = partial(_same, image)
        return makers

    def _image(self, name: str, slot: Slot, refs: list[FileRef], case: Case) -> Image:
        ordered = sorted(refs, key=lambda r: _order(slot, r))
        rows = self.layout.rows
        row = int(case.fields[rows.field]) if rows is not None and refs[0].slot in rows.slots else None
        return Image(
            name,
            tuple(self.tree.blob(r.name) for r in ordered),
            reader=slot.reader,
            key=slot.array,
            axes=slot.axes,
            stated_spacing_mm=_spacing(slot, refs[0]),
            ops=(*slot.ops, *self._fixes(case, refs)),
            row=row,
            reverse=slot.order == "reverse",
            colours=slot.role == "mask" and slot.kind == "colour",
            film=slot.role == "video",
        )

    def _elsewhere(self) -> dict[str, str]:
        """For images that other datasets hold: what to do to have them."""
        return {
            slot.channel or name: f"It is one of {slot.dataset}: open with others={{{slot.dataset!r}: its place}}"
            for name, slot in self.layout.files.items()
            if slot.dataset is not None
        }

    def _fixes(self, case: Case, refs: Sequence[FileRef]) -> Iterator[Mapping[str, Any]]:
        """Operations that put these files right, where the record knows of a defect."""
        for erratum in self.errata:
            if refs[0].slot in erratum.fix and erratum.touches(case.id, [ref.name for ref in refs]):
                yield from erratum.fix[refs[0].slot]

    # --- annotations -----------------------------------------------------------------------

    def _annotations(
        self, case: Case, images: Mapping[str, Image], rows: _Rows, records: _Records
    ) -> dict[str, Callable[[], Mask | Annotation]]:
        makers: dict[str, Callable[[], Mask | Annotation]] = {}
        for name, slot in self.layout.files.items():
            refs = case.files.get(name, ())
            if slot.role in ("image", "record", "target", "video") or not refs:
                continue
            for who, group in _grouped(slot.annotator, refs).items():
                key = f"{name}@{who}" if who else name
                if slot.role == "mask":
                    makers[key] = make = partial(self._mask, key, slot, group, case, images, rows, who or None)
                    makers |= {f"{key}.{f}": partial(_moment, make, f, slot, case, images, rows, records)
                               for f in slot.frames}  # fmt: skip
                else:
                    makers[key] = partial(self._other, key, slot, group, case, images, who or None)
        for name, table in self.tables.items():
            if table.slot.kind in ("spheres", "points", "boxes"):
                makers[name] = partial(self._table_annotation, name, table, case)
            elif table.slot.kind == "mask":
                makers[name] = partial(self._run_lengths, name, table, case, images)
        return makers

    def _mask(
        self, key: str, slot: Slot, refs: list[FileRef], case: Case, images: Mapping[str, Image], rows: _Rows,
        who: str | None,
    ) -> Mask:  # fmt: skip
        labels = dict(self.layout.labels.get(slot.labels or "", {}))
        segments = None
        files: dict[str, Image] = {}
        union: tuple[Image, ...] = ()
        grid = self._grid(slot, case, images)
        if slot.reader == "dicom_seg":
            segments = partial(segments_of, [self.tree.blob(r.name) for r in refs], labels)
        elif slot.reader == "rtstruct":
            segments = partial(regions_of, [self.tree.blob(r.name) for r in refs], labels, grid)
        if slot.label and "{" in slot.label:
            for structure, group in _by_structure(slot, labels, refs).items():
                files[structure] = self._image(structure, slot, group, case)
        elif slot.reader in SERIES_READERS:
            files[""] = self._image(key, slot, refs, case)
        else:
            ordered = sorted(refs, key=lambda r: natural_key(r.name))
            first, *rest = (self._image(key, slot, [ref], case) for ref in ordered)
            files[""], union = first, tuple(rest)
        if slot.label and "{" not in slot.label:
            labels = labels or {"1": slot.label}
        return Mask(
            key,
            slot.kind if not (slot.label and "{" in slot.label and slot.kind == "index") else "binary",
            labels,
            files,
            regions=self.layout.regions,
            missing=_ABSENT[slot.absent],
            union=union,
            annotator=who,
            grid=grid,
            read_segments=segments,
            read_instances=partial(_instances, slot.classes, labels, rows) if slot.classes else None,
        )

    def _grid(self, slot: Slot, case: Case, images: Mapping[str, Image]) -> Image | None:
        if slot.space is not None:
            grid = self.layout.files[slot.space]
            groups = _grouped(grid.channel or slot.space, case.files.get(slot.space, ()))
            return images.get(next(iter(groups))) if groups else None
        return next(iter(images.values())) if len(images) == 1 else None

    def _other(
        self, key: str, slot: Slot, refs: list[FileRef], case: Case, images: Mapping[str, Image], who: str | None
    ) -> Annotation:
        labels = self.layout.labels.get(slot.labels or "", {})
        loader = LOADERS.get(slot.reader or slot.role)
        if loader is None:
            loader = partial(_no_reader, slot.reader or slot.role)
        blobs = [self.tree.blob(r.name) for r in sorted(refs, key=lambda r: natural_key(r.name))]
        structures = structures_of(labels) if labels else ((slot.label,) if slot.label else ())
        names = slot.columns.get("names")  # a list, or the slot of the file that lists them
        beside = [self.tree.blob(r.name) for r in case.files.get(names, ())] if isinstance(names, str) else []
        asked = Request(blobs, slot, labels, images, self._picture_name(case), beside, self.documents)
        return Annotation(key, slot.role, partial(loader, asked), structures, who, tuple(b.name for b in blobs))

    def _picture_name(self, case: Case) -> str | None:
        refs = (r for n, s in self.layout.files.items() if s.role == "image" for r in case.files.get(n, ()))
        first = next(refs, None)
        return None if first is None else first.name

    def _table_annotation(self, name: str, table: Table, case: Case) -> Annotation:
        structures = structures_of(self.layout.labels.get(table.slot.labels or "", {}))
        load = partial(self._read_table_annotation, table, case)
        return Annotation(name, table.slot.kind, load, structures, files=tuple(r.name for r in table.refs))

    def _read_table_annotation(self, table: Table, case: Case) -> Any:
        rows = table.rows_of(case, _captured(case))
        return boxes_of_rows(rows, table.slot, f"{table.name}, {case.id}") if table.slot.kind == "boxes" else rows

    def _run_lengths(self, name: str, table: Table, case: Case, images: Mapping[str, Image]) -> Mask:
        from medshelf.samples.run_lengths import masks_of_rows

        labels = dict(self.layout.labels.get(table.slot.labels or "", {}))
        image = next(iter(images.values()))
        members = [r for n, s in self.layout.files.items() if s.role == "image" for r in case.files.get(n, ())]
        along = next((s.along for s in self.layout.files.values() if s.role == "image" and s.along), None)
        ordered = sorted(members, key=lambda r: natural_key(str(r.fields.get(along or "", r.name))))
        read = partial(masks_of_rows, table, case, ordered, image, labels)
        tables = tuple((ref.name, self.tree.blob(ref.name)) for ref in table.refs)
        return Mask(
            name, "binary", labels, {}, self.layout.regions, State.NOT_ANNOTATED, grid=image, tables=tables,
            read_segments=read,
        )  # fmt: skip

    # --- facts -----------------------------------------------------------------------------

    def _rows(self, table: Table, case: Case, row: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
        if table.slot.anchor:
            own = [ref for ref in case.files.get(table.name, ()) if row is not None]
            return [table.meant(own[0], row or {})] if own else []
        return list(table.rows_of(case, _captured(case)))

    def _records(self, case: Case) -> dict[str, Callable[[], Mapping[str, Any]]]:
        makers: dict[str, Callable[[], Mapping[str, Any]]] = {}
        for name, slot in self.layout.files.items():
            refs = case.files.get(name, ())
            if slot.role == "record" and refs:
                makers[name] = partial(LOADERS["record"], Request([self.tree.blob(refs[0].name)], slot))
        return makers

    def _targets(
        self, case: Case, rows: Mapping[str, list[Mapping[str, Any]]], records: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Callable[[], Any]]:
        makers: dict[str, Callable[[], Any]] = {}
        for name, target in self.layout.targets.items():
            makers[name] = partial(value_of, target, case, rows, records, self._target_image(target.of, case))
        return makers

    def _target_image(self, of: str, case: Case) -> Image | None:
        slot = self.layout.files.get(of)
        refs = case.files.get(of, ())
        return self._image(of, slot, list(refs), case) if slot is not None and refs else None


def _moment(
    make: Callable[[], Mask], frame: str, slot: Slot, case: Case, images: Mapping[str, Image], rows: _Rows,
    records: _Records,
) -> Mask:  # fmt: skip
    """Return the mask of one named moment of a mask in time; its image is the same moment of the image."""
    whole = make()
    files = {s: frames_of(i, slot, case.fields, rows, records)[frame]() for s, i in whole.images.items()}
    return replace(whole, name=f"{whole.name}.{frame}", images=files, grid=images.get(frame, whole.grid))


def _instances(classes: InstanceClasses, labels: Mapping[str, str], rows: _Rows) -> dict[int, str]:
    """Return structure by the value of the instance; instances of a class that is not mapped are left out."""
    found = {}
    for row in rows[classes.table]:
        structure = named(labels, comparable(row.get(classes.of)))
        value = comparable(row.get(classes.value))
        if structure is not None and value.isdecimal():
            found[int(value)] = structure
    return found


def _same(image: Image) -> Image:
    return image


def _captured(case: Case) -> dict[str, object]:
    found: dict[str, object] = {}
    for refs in case.files.values():
        for ref in refs:
            for name, text in ref.captured.items():
                if text is not None:
                    found.setdefault(name, text)
    return found


def _grouped(template: str | None, refs: tuple[FileRef, ...]) -> dict[str, list[FileRef]]:
    groups: dict[str, list[FileRef]] = {}
    for ref in refs:
        name = "" if template is None else fill(template, {**ref.captured, **ref.fields}) or ""
        groups.setdefault(name, []).append(ref)
    return groups


def _order(slot: Slot, ref: FileRef) -> str:
    along = ref.fields.get(slot.along) if slot.along else None
    return natural_key(str(along)) if along is not None else natural_key(ref.name)


def _spacing(slot: Slot, ref: FileRef) -> tuple[float, ...] | None:
    if not slot.spacing_mm:
        return None
    texts = [fill(s, ref.fields) if isinstance(s, str) else str(s) for s in slot.spacing_mm]
    return tuple(float(t) for t in texts if t is not None)


def _by_structure(slot: Slot, labels: Mapping[str, str], refs: list[FileRef]) -> dict[str, list[FileRef]]:
    """Group the files of a slot that has one file, or one series, for each structure."""
    groups: dict[str, list[FileRef]] = {}
    for ref in refs:
        groups.setdefault(_structure(slot, labels, ref), []).append(ref)
    return groups


def _structure(slot: Slot, labels: Mapping[str, str], ref: FileRef) -> str:
    raw = fill(slot.label or "", {**ref.captured, **ref.fields}) or ""
    if not labels:
        return raw
    return named(labels, raw) or re.sub(r"\W+", "_", raw)


def _no_reader(name: str, asked: Request) -> Any:
    raise Unsupported(
        f"no reader is called {name!r} yet",
        where=asked.blobs[0].name,
        hint="Its files can be listed and checked by name",
    )
