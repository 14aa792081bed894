"""Named points in a table or a JSON list: landmarks, centres of vertebrae, clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.markup import as_number
from medshelf.formats.table import read_rows
from medshelf.model.blob import Blob


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points of one case, with what the file calls them."""

    labels: tuple[str, ...]
    """As written: names or numbers."""
    coordinates: np.ndarray
    """(N, D) float64, in `frame`."""
    frame: str | None = None
    """What the coordinates are, as the dataset's record says: voxel, ras_mm, lps_mm, pixel, …"""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Facts that stand among the points, such as the axes of a voxel frame."""

    def __len__(self) -> int:
        return len(self.labels)


def read_points(
    blob: Blob,
    *,
    label: str,
    point: str | Sequence[str],
    frame: str | None = None,
    records: str | None = None,
    columns: Sequence[str] = (),
) -> Points:
    """Read points.

    Parameters
    ----------
    blob : Blob
        A CSV, TSV, XLSX or JSON file.
    label : str
        Column, or key, that names a point.
    point : str or sequence of str
        Columns of the coordinates, in order; or the one that holds a list of them.
    frame : str, optional
        What the coordinates are.
    records : str, optional
        Where the rows are in a JSON file.
    columns : sequence of str
        Names of the columns of a table that has no line of names.

    Raises
    ------
    FormatError
        A coordinate is no number.
    """
    meta: dict[str, Any] = {}
    labels: list[str] = []
    rows: list[list[float]] = []
    names = (point,) if isinstance(point, str) else tuple(point)
    for row in read_rows(blob, records=records, columns=columns):
        if not all(column in row for column in names):
            meta |= {k: v for k, v in row.items() if v is not None}
            continue
        labels.append(str(row.get(label, "")))
        values = row[point] if isinstance(point, str) else [row[column] for column in names]
        rows.append([_number(value, names, blob) for value in (values if isinstance(values, list) else [values])])
    width = len(rows[0]) if rows else len(names)
    if any(len(one) != width for one in rows):
        raise FormatError("points have unequal numbers of coordinates", where=blob.name)
    return Points(tuple(labels), np.array(rows, np.float64).reshape(-1, width), frame, meta)


def _number(value: object, names: Sequence[str], blob: Blob) -> float:
    return as_number(str(value), f"a coordinate ({', '.join(names)})", blob.name)
