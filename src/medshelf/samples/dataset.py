"""An opened dataset: its cases as samples, by number, by id, by slice or filtered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from medshelf.errors import NotFound
from medshelf.model.case import Case
from medshelf.model.dataset import Record
from medshelf.model.labels import structures_of
from medshelf.model.layout import Layout
from medshelf.samples.assemble import Assembler
from medshelf.samples.sample import Sample
from medshelf.samples.splits import with_split

if TYPE_CHECKING:
    from medshelf.access.tree import Tree


@dataclass(frozen=True)
class Dataset(Sequence[Sample]):
    """A dataset on disk, in an archive, or anywhere a `Tree` can look.

    It holds names and facts; pixels are read when a sample is asked for them. It can be pickled, so
    that data loaders can send it to their workers.
    """

    record: Record = field(repr=False)
    layout: Layout = field(repr=False)
    variant: str
    """Which repackaging it is; ``""`` for the release itself."""
    assembler: Assembler = field(repr=False)
    cases: tuple[Case, ...] = field(repr=False)
    """Names and facts of every case."""
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """Rows of the table whose rows are the cases, by case id."""
    others: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Places of other datasets whose images this one draws on, by id."""

    @property
    def id(self) -> str:
        """Id of the record."""
        return self.record.id

    @property
    def tree(self) -> Tree:
        """The names and the bytes behind them."""
        return self.assembler.tree

    def __len__(self) -> int:
        return len(self.cases)

    @overload
    def __getitem__(self, which: int | str) -> Sample: ...
    @overload
    def __getitem__(self, which: slice) -> Dataset: ...
    def __getitem__(self, which: int | str | slice) -> Sample | Dataset:
        if isinstance(which, slice):
            return replace(self, cases=self.cases[which])
        case = self.case(which) if isinstance(which, str) else self.cases[which]
        return self.assembler.sample(case, self.rows.get(case.id))

    def case(self, name: str) -> Case:
        """Return the names and facts of the case with this id; raises `NotFound` with the nearest ids."""
        if name in self._by_id:
            return self._by_id[name]
        from difflib import get_close_matches

        near = get_close_matches(name, [c.id for c in self.cases], 3, 0.4) or [c.id for c in self.cases[:3]]
        raise NotFound(f"{self.id} has no case {name!r} here", hint=f"Near: {', '.join(near)}")

    @cached_property
    def _by_id(self) -> dict[str, Case]:
        return {case.id: case for case in self.cases}

    def __iter__(self) -> Iterator[Sample]:
        return (self[n] for n in range(len(self)))

    def filter(self, keep: Callable[[Case], bool] | None = None, **fields: object) -> Dataset:
        """Return the cases for which `keep` is true and all `fields` agree.

        Parameters
        ----------
        keep : callable, optional
            Takes a `Case` (names and facts, no pixels).
        **fields
            ``split="train"``, ``patient="7"`` or any field of the layout; a list means any of its values.
        """
        kept = tuple(
            case
            for case in self.cases
            if (keep is None or keep(case)) and all(_agrees(case, k, v) for k, v in fields.items())
        )
        return replace(self, cases=kept)

    @property
    def splits(self) -> dict[str, int]:
        """Number of cases by official split; cases without one count under ``"none"``."""
        return dict(Counter(case.split or "none" for case in self.cases))

    def with_split(self, name: str) -> Dataset:
        """Return this dataset divided by another of the partitions in use: ``[splits.NAME]`` of its layout.

        Raises
        ------
        NotFound
            The layout has no partition of this name.
        """
        if name not in self.layout.splits:
            known = ", ".join(self.layout.splits) or "none"
            raise NotFound(f"{self.id} has no partition {name!r}", hint=f"There are: {known}")
        rule = self.layout.splits[name]
        divided = (with_split(rule, self.assembler, case, self.rows.get(case.id)) for case in self.cases)
        return replace(self, cases=tuple(divided))

    @property
    def structures(self) -> dict[str, tuple[str, ...]]:
        """Structures that each annotation can name."""
        found: dict[str, tuple[str, ...]] = {}
        for name, slot in self.layout.files.items():
            if slot.labels:
                found[name] = structures_of(self.layout.labels[slot.labels])
            elif slot.label and "{" not in slot.label:
                found[name] = (slot.label,)
        return found

    def to_torch(self, **options: Any) -> Any:
        """Return a `torch.utils.data.Dataset` of dictionaries of tensors; see `medshelf.samples.for_torch`."""
        from medshelf.samples.for_torch import TorchDataset

        return TorchDataset(self, **options)

    def to_monai(self, **options: Any) -> Any:
        """Return a `monai.data.Dataset` of dictionaries of MetaTensors; see `medshelf.samples.for_monai`."""
        from medshelf.samples.for_monai import monai_dataset

        return monai_dataset(self, **options)

    def to_torchio(self, **options: Any) -> Any:
        """Return a `torchio.SubjectsDataset`; see `medshelf.samples.for_torchio`."""
        from medshelf.samples.for_torchio import subjects_dataset

        return subjects_dataset(self, **options)

    def __repr__(self) -> str:
        splits = ", ".join(f"{n} {split}" for split, n in self.splits.items() if split != "none")
        told = f" ({splits})" if splits else ""
        return f"Dataset({self.id!r}, {len(self)} cases{told}, at {str(self.tree.where)!r})"


def _agrees(case: Case, name: str, wanted: object) -> bool:
    value: object = case.fields.get(name)
    if name in ("split", "patient", "id"):
        value = getattr(case, name)
    allowed = wanted if isinstance(wanted, list | tuple | set) else (wanted,)
    return any(str(value) == str(w) for w in allowed)
