"""The words of the layout language: how the names of a release become cases.

The language itself is explained in docs/reference/layout-language.md. A layout holds no code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Evidence = Literal["seen", "listing", "official", "code", "page"]
"""How a layout is known, best first: real bytes; file names of the real release; its own
documentation; a public program that reads it; somebody's description."""

Role = Literal[
    "image", "mask", "boxes", "points", "contours", "mesh", "video", "text", "record", "target"
]

FAMILIES = (
    "PAIR2D", "CSVIMG", "CLASSDIR", "CASEMM", "PAIR3D", "IMGTEXT", "NNU", "TEXTQA", "MSD", "SIGNAL",
    "DCMSEG", "DET", "VIDEO", "PAIRI2I", "CASESTRUCT", "CONT", "DCMMASK", "BIDS", "WSI", "GENE",
    "MESH", "DCMONLY",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MapFrom:
    """A table of the release that says what a field's values mean: ``map_from`` of a field."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    table: str
    """Table of the layout."""
    column: str
    """Column that holds the values as names have them."""
    gives: str
    """Column that holds what they mean."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How a field gets its value from a captured one. Steps run in the order of these attributes."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    of: str | None = None
    """The field it is made from; by default the captured field of the same name."""
    take: str | None = None
    """Regular expression with one group: keep what the group matches."""
    replace: dict[str, str] = field(default_factory=dict)
    """Literal replacements inside the text."""
    int: bool = False
    """Read as a whole number."""
    ranges: dict[str, str] = field(default_factory=dict)
    """``"1-410" = "ct"``: value by range of numbers, both ends included."""
    map: dict[str, str] = field(default_factory=dict)
    """Value by value; a value that is not listed stays as it is."""
    map_from: MapFrom | None = None
    """The same from a table: ``{ table = "patients", column = "OriginalID", gives = "PatientID" }``."""
    default: str | None = None
    """Value when nothing was captured."""


@dataclass(frozen=True, slots=True)
class InstanceClasses:
    """Where the class of each instance stands: ``classes = { table = …, value = …, of = … }``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    table: str
    """Table with one row for each instance."""
    value: str
    """Column with the value that the instance has in the mask."""
    of: str
    """Column with its class, which `labels` maps to a structure."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One kind of file of a release: ``[files.NAME]``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    role: Role
    """What the file is to a user."""
    path: str | tuple[str, ...] = ()
    """Template, or several of which all contribute files."""
    either: tuple[str, ...] = ()
    """Templates of which, for each case, the first that exists counts."""
    reader: str | None = None
    """Reader by name, where the file ending does not say it (dicom_series, slices, dicom_seg, voc, …)."""
    channel: str | None = None
    """Name of the image channel: a literal or ``"{field}"``; by default the slot's name."""
    channels: tuple[str, ...] = ()
    """Names along the last axis, when one file holds several channels."""
    frames: dict[str, str | int] = field(default_factory=dict)
    """Named moments of a series in time: index along the time axis, or the field, ``table.column`` or ``record.key``
    that tells it for each case."""
    first_frame: int = 0
    """Number by which the release calls the first frame."""
    dataset: str | None = None
    """Id of the dataset whose release holds this file, when this one does not."""
    kind: Literal[
        "index", "binary", "bands", "bits", "colour", "instance", "channels", "instance-channels", "probability"
    ] = "index"
    """How values stand for structures (masks)."""
    label: str | None = None
    """Structure of a binary or instance mask: a literal or ``"{field}"``."""
    classes: InstanceClasses | None = None
    """Table that tells what each instance of an instance mask is."""
    labels: str | None = None
    """Name of the label map in ``[labels.NAME]``."""
    annotator: str | None = None
    """Who drew it: a literal or ``"{field}"``."""
    complete: tuple[str, ...] = ()
    """Enumerated fields of which every case must have every value."""
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Field values of the cases to which this slot applies."""
    optional: bool = False
    """A case may lack it."""
    aux: bool = False
    """Can be loaded, but does not make a case by being there."""
    merge: Literal["union"] | None = None
    """Several files of one case are one mask."""
    along: str | None = None
    """Field that orders the members of a series of pictures (reader ``slices``)."""
    order: Literal["forward", "reverse"] = "forward"
    """Order of a ``slices`` series relative to the image it belongs to."""
    space: str | None = None
    """Slot whose grid this mask lives on."""
    absent: Literal["empty", "unknown"] | None = None
    """What a missing per-structure file means: the structure is not there, or nobody looked."""
    sidecar: tuple[str, ...] = ()
    """Endings of the data files that belong to each file (``.raw`` beside ``.mhd``)."""
    array: str | None = None
    """Name of the array in a container: an HDF5 path, a MATLAB variable or field, a member of .npz."""
    axes: str | None = None
    """Axes of the array where the format does not say, see `Volume.axes`."""
    spacing_mm: tuple[float | str, ...] = ()
    """Spacing where the file does not say: numbers or ``"{field}"``, in the order of the axes."""
    ops: tuple[dict[str, Any], ...] = ()
    """Array operations, applied in order before anything narrows the type."""
    frame: str | None = None
    """Frame of points, boxes or meshes, such as ``pixel`` or ``lps_mm``; boxes also ``edges``, ``inclusive-0``."""
    columns: dict[str, Any] = field(default_factory=dict)
    """Where a reader of points or boxes finds its parts; for YOLO ``names``: a list, or the slot of their file."""
    note: str | None = None
    """What a user should know."""


@dataclass(frozen=True, slots=True)
class TableSlot:
    """A table of a release: ``[tables.NAME]``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    path: str | tuple[str, ...] = ()
    """Template, or several of which all are read."""
    rows: tuple[dict[str, Any], ...] = ()
    """The rows themselves, where the release has them in no file that can be read (a PDF, a paper)."""
    key: dict[str, str] = field(default_factory=dict)
    """``COLUMN = "template over fields"``: the rows of a case are those where all columns agree."""
    sep: str | None = None
    """Separator of a text table; by default found from the file."""
    encoding: str | None = None
    """Encoding of a text table; by default UTF-8."""
    sheet: str | None = None
    """Sheet of a workbook."""
    header: int | tuple[int, ...] = 0
    """Number of the row that holds the column names, from 0; several rows are joined by ``/``."""
    columns_are: tuple[str, ...] = ()
    """Names of the columns of a table that has no row of names."""
    quoted: bool = True
    """False: quotation marks are part of the text."""
    records: str | None = None
    """Where the rows are in a JSON or XML file, such as ``"$.training[*]"`` or ``"QAPairs/QAPair"``."""
    kind: Literal["table", "list", "qa", "boxes", "points", "spheres", "mask"] = "table"
    """What its rows are to a user; a `list` is plain text whose lines are the column ``line``."""
    columns: dict[str, Any] = field(default_factory=dict)
    """Which column is what, for kinds other than table."""
    labels: str | None = None
    """Label map for the names in a column."""
    codec: str | None = None
    """How a mask is written in a cell, such as ``"rle:start=1,order=row-major,shape={h}x{w}"``."""
    frame: str | None = None
    """Frame of coordinates, such as ``lps_mm``."""
    anchor: bool = False
    """Every row is a case (question answering)."""
    optional: bool = False
    """A release may lack it."""
    note: str | None = None
    """What a user should know."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to predict for a whole case: ``[targets.NAME]``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    of: str
    """A field, ``table.column``, ``table.*``, or ``record.key``."""
    kind: Literal["class", "multilabel", "number", "text"] = "class"
    """What is predicted: one of several classes, several at once, a number, or text."""
    classes: tuple[str, ...] = ()
    """All values that may occur, where known."""
    map: dict[str, str] = field(default_factory=dict)
    """Value as written to value as meant."""
    without: tuple[str, ...] = ()
    """Columns that ``table.*`` leaves out."""
    sep: str | None = None
    """What parts the values of one cell, such as ``"|"``; ``"[]"`` for cells written as a list."""


@dataclass(frozen=True, slots=True)
class Split:
    """Where the official split stands, when no field is called split: ``[split]``. Others: ``[splits.NAME]``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    of: str
    """A field, ``table.column`` or ``record.key``."""
    map: dict[str, str] = field(default_factory=dict)
    """Value as written to train, val or test."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Array containers whose rows are cases: ``[rows]``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    field: str
    """Name of the field that numbers the rows, from 0."""
    slots: tuple[str, ...]
    """Slots whose first axis is that field."""


@dataclass(frozen=True, slots=True)
class Expect:
    """Counts of the whole release: ``[expect]``. Only these can show that a case is absent as a whole."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    cases: int | None = None
    """Number of cases."""
    splits: dict[str, int] = field(default_factory=dict)
    """Number of cases by split."""
    files: dict[str, int] = field(default_factory=dict)
    """Number of files by slot or table."""
    sources: tuple[str, ...] = ()
    """Who says so."""


@dataclass(frozen=True, slots=True)
class Example:
    """Values for a twin, where a field's type does not suggest them: ``[example]``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Values of a field, in all slots."""
    slots: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """Values of a field, in one slot."""
    columns: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """Values of a table's column, one by one for the cases."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the names of one release, or one repackaging of it, become cases."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    family: str
    """One of `FAMILIES`."""
    evidence: Evidence
    """How the layout is known, see `Evidence`."""
    sources: tuple[str, ...]
    """Names of the record's sources that show the layout."""
    key: tuple[str, ...]
    """Fields that tell cases apart."""
    title: str = "as released"
    """Which repackaging this is."""
    use: str | None = None
    """Preset that supplies what is not stated here."""
    case: str | None = None
    """Template of a case's id; by default the key's values joined by ``/``."""
    patient: str | None = None
    """Template of the patient's id; None when nothing tells which cases share a patient."""
    roots: tuple[str, ...] = ()
    """Names of the top folders or archives as released."""
    ignore: tuple[str, ...] = ()
    """Templates of files that belong to the release and to no case."""
    fields: dict[str, FieldRule] = field(default_factory=dict)
    files: dict[str, Slot] = field(default_factory=dict)
    tables: dict[str, TableSlot] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    """Label maps: what is written (value, range, band, colour or name) to structure."""
    regions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Derived structures: the union of others."""
    targets: dict[str, Target] = field(default_factory=dict)
    split: Split | None = None
    splits: dict[str, Split] = field(default_factory=dict)
    """Further partitions that are in use: folds of a cross-validation, those of a benchmark."""
    rows: Rows | None = None
    expect: Expect | None = None
    example: Example | None = None
    disputed: str | None = None
    """What sources disagree on about this layout."""
    variants: dict[str, Layout] = field(default_factory=dict)
    """Repackagings in circulation; each states what differs, and inherits the rest."""
