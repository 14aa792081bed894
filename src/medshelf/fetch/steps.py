"""What a person has to do: where a host wants to know who asks, or no program can fetch the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medshelf.access.hosts import Need
from medshelf.access.refs import Reference
from medshelf.model.dataset import Record


def steps_for(
    record: Record, needs: Sequence[Need], chosen: Sequence[Reference], others: Sequence[Reference]
) -> tuple[str, ...]:
    """Return the steps, in order, with addresses; none when everything can be fetched as things are.

    Parameters
    ----------
    record : Record
    needs : sequence of Need
        What the hosts ask for.
    chosen : sequence of Reference
        What would be fetched.
    others : sequence of Reference
        What else the record names.
    """
    if chosen and not needs:
        return ()
    return tuple(_by_credentials(record, needs) if chosen else _by_hand(record, others))


def _by_credentials(record: Record, needs: Sequence[Need]) -> Iterator[str]:
    yield from dict.fromkeys(step for need in needs for step in need.steps)
    if record.access.kind not in ("open", "unknown"):
        yield from record.access.steps
    yield f"Then again: medshelf get {record.id}"


def _by_hand(record: Record, others: Sequence[Reference]) -> Iterator[str]:
    access = record.access
    page = access.landing or (record.homepage if record.homepage.startswith("http") else None)
    mirrors = [one.ref for one in others if one.role == "mirror"]
    if access.kind == "gone":
        yield "It is no longer served; who has a copy can still use it with medshelf"
    elif page:
        yield f"Open {page}"
    else:
        yield "Nobody names a page from which it is had"
    if access.kind != "gone":
        yield from access.steps
        copies = {one.url for one in others if one.role == "mirror"}
        names = [file.name for file in access.files if file.url not in copies]
        if names:
            yield f"Fetch {', '.join(names[:8])}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        elif page and not access.steps:
            yield "Fetch the files that it names, with a browser or the program of that place"
    yield f"Put the files into a folder, then: medshelf add {record.id} FOLDER"
    if mirrors:
        yield (
            f"Or take a copy that others made ({', '.join(mirrors)}); nobody has compared it with the original: "
            f"medshelf get {record.id} --from {mirrors[0]}"
        )
