"""Classes of cases that nobody declares."""

from __future__ import annotations

from collections.abc import Iterator

from medshelf.audit.reading import Reading
from medshelf.model.finding import Finding


def undeclared_classes(reading: Reading) -> Iterator[Finding]:
    """Report values of a target that are none of its classes."""
    for name, value in reading.targets.items():
        target = reading.declared_targets.get(name)
        if target is None or value is None or not target.classes:
            continue
        for one in value if isinstance(value, list) else [value]:
            if str(one) not in target.classes:
                yield Finding(
                    "target.unknown-class", "error", f"{name} is {one!r}, which is none of its classes",
                    case=reading.case.id, evidence={"target": name, "value": one, "classes": list(target.classes)},
                    proposal="A typing error in a table, or a class that the record lacks",
                )  # fmt: skip

