"""A case: paths and facts of one unit of a dataset, no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FieldValue = str | int


@dataclass(frozen=True, slots=True)
class FileRef:
    """One file of a dataset, by name."""

    slot: str
    """Slot of the layout that it fills."""
    name: str
    """Name below the root of the dataset, ``a.zip!/b`` for a member of an archive."""
    fields: Mapping[str, FieldValue]
    """What its name says."""
    names: tuple[str, ...] = field(repr=False, default=())
    """Names of the fields of its template."""
    texts: tuple[str | None, ...] = field(repr=False, default=())
    """What stands in their places; None where an optional part is absent."""
    at: str = ""
    """Folders in front of what the template matched."""
    alternative: int = 0
    """Which template of the slot matched."""

    @property
    def captured(self) -> dict[str, str | None]:
        """What its name says, as written."""
        return dict(zip(self.names, self.texts, strict=True))


@dataclass(frozen=True, slots=True)
class Case:
    """One unit: a scan, a visit, a picture, a question."""

    id: str
    """Unique in the dataset."""
    key: tuple[FieldValue, ...]
    """Values of the layout's key."""
    fields: Mapping[str, FieldValue]
    """All that its file names say."""
    files: Mapping[str, tuple[FileRef, ...]]
    """Its files by slot; files that several cases share stand in each."""
    patient: str | None = None
    """Whose it is, where names tell."""
    split: str | None = None
    """Official split: train, val, test, where names tell."""
