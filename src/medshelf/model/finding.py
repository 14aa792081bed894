"""Findings: what a check says, for programs first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
"""`error`: would make a wrong sample or none. `warning`: look at it. `info`: worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found."""

    check: str
    """Stable name of the check, ``subject.what``."""
    severity: Severity
    message: str
    """One sentence for a person."""
    dataset: str | None = None
    case: str | None = None
    file: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Numbers and names behind it."""
    proposal: str | None = None
    """What to do about it."""

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain values, for JSON."""
        return asdict(self)


def is_problem(finding: Finding) -> bool:
    """True when a finding makes a command exit with 1."""
    return finding.severity != "info"
