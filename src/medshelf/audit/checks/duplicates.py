"""Images that are there more than once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medshelf.audit.facts import CaseFacts
from medshelf.model.finding import Finding

_SHOWN = 50


def repeated_images(cases: Sequence[CaseFacts]) -> Iterator[Finding]:
    """Report images of several cases that are equal voxel by voxel; worse when they stand in several splits."""
    groups: dict[str, dict[str, CaseFacts]] = {}
    files: dict[str, dict[str, str]] = {}
    for case in cases:
        for image in case.images:
            if image.digest is not None:
                groups.setdefault(image.digest, {})[case.case] = case
                files.setdefault(image.digest, {}).setdefault(case.case, image.file)
    for digest, group in groups.items():
        if len(set(files[digest].values())) < 2 or len(group) < 2:
            continue
        yield _group(list(group.values()), files[digest])


def _group(group: Sequence[CaseFacts], files: dict[str, str]) -> Finding:
    names = [case.case for case in group]
    splits = sorted({case.split for case in group if case.split is not None})
    patients = {case.patient for case in group}
    evidence = {
        "n": len(names), "cases": names[:_SHOWN], "files": [files[n] for n in names[:_SHOWN]], "splits": splits,
        "patients": sorted(str(p) for p in patients)[:_SHOWN],
    }  # fmt: skip
    first, others = names[0], ", ".join(names[1:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    if len(splits) > 1:
        return Finding(
            "duplicate.across-splits", "error",
            f"the image of {first} is also that of {others}, in the splits {' and '.join(splits)}",
            case=first, file=files[first], evidence=evidence,
            proposal="Keep it in one split only: a model is tested here on what it was trained on",
        )  # fmt: skip
    return Finding(
        "duplicate.image", "warning", f"the image of {first} is also that of {others}",
        case=first, file=files[first], evidence=evidence,
        proposal="Keep one, or at least keep them on one side of any split",
    )  # fmt: skip


def repeated_channels(cases: Sequence[CaseFacts]) -> Iterator[Finding]:
    """Report cases of which two channels are one image."""
    for case in cases:
        seen: dict[str, str] = {}
        for image in case.images:
            if image.digest is None:
                continue
            first = seen.setdefault(image.digest, image.channel)
            if first != image.channel:
                yield Finding(
                    "duplicate.channel", "warning", f"the channels {first} and {image.channel} are one image",
                    case=case.case, file=image.file, evidence={"channels": [first, image.channel]},
                    proposal="A file was copied or misnamed: look at both",
                )  # fmt: skip
