"""A case: paths and facts of one unit of a dataset, no pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

FieldValue = str | int
Texts = tuple[str | None, ...]
"""What stands in the places of a template's fields, as written; None where an optional part is absent."""


class Reading(Protocol):
    """How the names of one template of a layout are read."""

    @property
    def slot(self) -> str:
        """Slot or table that the template belongs to."""
        ...

    @property
    def alternative(self) -> int:
        """Which template of the slot it is."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its fields."""
        ...

    @property
    def possible(self) -> frozenset[str]:
        """Fields that its names may have, those that are made of others included."""
        ...

    def fields(self, texts: Texts) -> dict[str, FieldValue]:
        """Return what the texts of its fields mean."""
        ...

    def getter(self, name: str) -> Callable[[Texts], FieldValue | None]:
        """Return a function that gives one field, as `fields` does, without working out all others."""
        ...


class FileRef(NamedTuple):
    """One file of a dataset, by name.

    There may be a million, so that each holds only what its name says as it is written; what that means is
    worked out when it is asked for.
    """

    reading: Reading
    """The template that its name fits."""
    name: str
    """Name below the root of the dataset, ``a.zip!/b`` for a member of an archive."""
    at: str
    """Folders in front of what the template matched."""
    texts: Texts
    """What stands in the places of the template's fields."""

    @property
    def slot(self) -> str:
        """Slot of the layout that it fills."""
        return self.reading.slot

    @property
    def alternative(self) -> int:
        """Which template of the slot matched."""
        return self.reading.alternative

    def text(self, name: str) -> str | None:
        """Return what its name says of one field, as written; None where it says nothing."""
        names = self.reading.names
        return self.texts[names.index(name)] if name in names else None

    @property
    def captured(self) -> dict[str, str | None]:
        """What its name says, as written."""
        return dict(zip(self.reading.names, self.texts, strict=True))

    @property
    def fields(self) -> dict[str, FieldValue]:
        """What its name says, as it is meant."""
        return self.reading.fields(self.texts)


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
