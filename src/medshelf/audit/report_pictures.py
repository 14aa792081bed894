"""Pictures of the cases that a report says most of."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from medshelf.audit.run import Audit
from medshelf.errors import MedshelfError
from medshelf.model.finding import Finding
from medshelf.samples.dataset import Dataset

_WIDTH = 760
_WEIGHT = {"error": 100, "warning": 1, "info": 0}


@dataclass(frozen=True, slots=True)
class Picture:
    """A case that was drawn."""

    case: str
    findings: tuple[str, ...] = ()
    """What was found in it."""
    data_uri: str = ""
    """The picture as a PNG within the page; empty where it could not be drawn."""
    width: int = 0
    height: int = 0
    problem: str = ""
    """Why it could not be drawn."""


def pictures_of_worst(audit: Audit, most: int, opened: Dataset | None = None) -> list[Picture]:
    """Draw the cases with the most errors and warnings, or the first where there are none.

    Parameters
    ----------
    audit : Audit
        What was found.
    most : int
        Draw so many.
    opened : Dataset, optional
        Where the cases are; by default the dataset is opened again.
    """
    from medshelf.samples.open import open as open_dataset

    if most <= 0 or not audit.facts:
        return []
    by_case: dict[str, list[Finding]] = {}
    for finding in audit.findings:
        if finding.case is not None and finding.severity != "info":
            by_case.setdefault(finding.case, []).append(finding)
    known = {facts.case for facts in audit.facts}
    worst = sorted((c for c in by_case if c in known), key=lambda c: -sum(_WEIGHT[f.severity] for f in by_case[c]))
    chosen = worst[:most] or [facts.case for facts in audit.facts[: min(2, most)]]
    if opened is None:
        opened = open_dataset(audit.dataset, audit.where, variant=audit.variant)
    return [_drawn(opened, case, by_case.get(case, ())) for case in chosen]


def _drawn(opened: Dataset, case: str, findings: Sequence[Finding]) -> Picture:
    from medshelf.samples.view import draw

    told = tuple(f.message for f in findings)
    try:
        picture = draw(opened[case])
    except MedshelfError as error:
        return Picture(case, told, problem=f"Can't be drawn: {error.what}")
    height = round(picture.height * _WIDTH / picture.width)
    if picture.width > _WIDTH:
        picture = picture.resize((_WIDTH, height))
    stream = io.BytesIO()
    picture.quantize(128).save(stream, "PNG", optimize=True)
    encoded = base64.b64encode(stream.getvalue()).decode()
    return Picture(case, told, f"data:image/png;base64,{encoded}", picture.width, picture.height)
