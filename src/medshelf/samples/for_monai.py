"""An opened dataset as a `monai.data.Dataset` of dictionaries with MetaTensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medshelf.errors import need
from medshelf.samples.items import Selection, item

if TYPE_CHECKING:
    from medshelf.samples.dataset import Dataset


@dataclass(frozen=True)
class LoadSample:
    """Turn the number of a sample into what MONAI's dictionary transforms take.

    ``image`` is a MetaTensor (C, I, J, K) float32 with the affine in RAS+ mm, as MONAI's own loader gives;
    ``label`` one of (1, I, J, K) with its stored values.
    """

    dataset: Dataset
    selection: Selection
    transform: Callable[[dict[str, Any]], Any] | None = None

    def __call__(self, entry: dict[str, Any]) -> Any:
        import torch
        from monai.data import MetaTensor

        read = item(self.dataset[entry["number"]], self.selection)
        affine = None if read.affine is None else torch.from_numpy(np.array(read.affine, dtype=np.float64))
        found: dict[str, Any] = {"case": read.case, **{k: v for k, v in read.targets.items() if v is not None}}
        for name, array, dtype in (("image", read.image, np.float32), ("label", read.label, None)):
            if array is None:
                continue
            tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=dtype or _signed(array.dtype)))
            meta = {"filename_or_obj": read.case, "space": "RAS", "original_channel_dim": 0}
            found[name] = MetaTensor(tensor, affine=affine, meta=meta)
        return self.transform(found) if self.transform else found


def _signed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a type that torch computes with: it has no arithmetic for most unsigned ones."""
    wider = {"uint16": np.int32, "uint32": np.int64}
    return np.dtype(wider.get(dtype.name, dtype))


def monai_dataset(
    dataset: Dataset,
    *,
    channels: tuple[str, ...] = (),
    annotation: str | None = None,
    labels: dict[str, int] | None = None,
    transform: Callable[[dict[str, Any]], Any] | None = None,
) -> Any:
    """Return a `monai.data.Dataset`; the parameters are those of `TorchDataset`.

    Raises
    ------
    MissingExtra
        MONAI is not installed.
    """
    monai_data: Any = need("monai.data", "monai")
    load = LoadSample(dataset, Selection(tuple(channels), annotation, labels), transform)
    return monai_data.Dataset(data=[{"number": n} for n in range(len(dataset))], transform=load)
