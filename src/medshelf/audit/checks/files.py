"""Files that can't be read."""

from __future__ import annotations

from collections.abc import Iterator

from medshelf.audit.reading import Part, Reading
from medshelf.model.finding import Finding, Severity

_PROPOSALS = {
    "empty": "Fetch it again",
    "web-page": "Fetch it again: the host answered with a page where a file was asked for",
    "stand-in": None,
    "truncated": "Fetch it again; if it stays short, the release itself is damaged: leave the case out",
    "unreadable": "Fetch it again; if it stays so, the release itself is damaged: leave the case out",
    "not-a-volume": "Leave the series out, or choose those of its slices that belong together",
    "not-as-declared": "Another release than the record describes, or a wrong record: tell the catalogue",
    "unsupported": None,
}


def refused(reading: Reading) -> Iterator[Finding]:
    """Report every file that a reader refused, in the reader's words."""
    told: set[str] = set()
    for part in reading.parts:
        refusal = part.refusal
        if refusal is None or refusal.file in told:
            continue
        told.add(refusal.file)
        evidence = {"why": refusal.why, "of": part.name} if refusal.why else {"of": part.name}
        yield Finding(
            f"file.{refusal.fault}", _severity(part), refusal.what, case=reading.case.id, file=refusal.file,
            evidence=evidence, proposal=_PROPOSALS[refusal.fault] or refusal.hint,
        )  # fmt: skip


def _severity(part: Part) -> Severity:
    assert part.refusal is not None
    if part.refusal.fault != "unsupported":
        return "error"
    pixels = part.slot is None or part.slot.role in ("image", "mask")
    return "warning" if pixels else "info"
