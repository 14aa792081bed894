"""An opened dataset as a `torch.utils.data.Dataset`.

This module is imported by `Dataset.to_torch` alone, and is the one place besides its two neighbours where a
framework stands at the top: a class can't inherit from something that is imported later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from medshelf.errors import need
from medshelf.samples.items import Selection, item

if TYPE_CHECKING:
    from medshelf.samples.dataset import Dataset

torch: Any = need("torch", "torch")
_Base: Any = torch.utils.data.Dataset


class TorchDataset(_Base):
    """Samples as dictionaries of tensors.

    Every item holds ``image`` (C, I, J, K) or (C, Y, X) float32, ``label`` (1, I, J, K) or (1, Y, X) int64 when
    there is a mask, ``affine`` (4, 4) float64 when there is one, ``case`` and every target. It can be pickled,
    so workers work.

    Parameters
    ----------
    dataset : Dataset
    channels : tuple of str
        Images to stack, in order; by default all.
    annotation : str, optional
        The mask, when a case has several.
    labels : dict of str to int, optional
        Structure to value in ``label``; by default as stored.
    transform : callable, optional
        Applied to the dictionary.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        channels: tuple[str, ...] = (),
        annotation: str | None = None,
        labels: dict[str, int] | None = None,
        transform: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        self.dataset = dataset
        self.selection = Selection(tuple(channels), annotation, labels)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int) -> Any:
        if number >= len(self):
            raise IndexError(number)
        read = item(self.dataset[number], self.selection)
        found: dict[str, Any] = {"case": read.case}
        if read.image is not None:
            found["image"] = torch.from_numpy(np.ascontiguousarray(read.image, dtype=np.float32))
        if read.label is not None:
            found["label"] = torch.from_numpy(np.ascontiguousarray(read.label, dtype=np.int64))
        if read.affine is not None:
            found["affine"] = torch.from_numpy(np.array(read.affine, dtype=np.float64))
        found |= {name: value for name, value in read.targets.items() if value is not None}
        return self.transform(found) if self.transform else found
