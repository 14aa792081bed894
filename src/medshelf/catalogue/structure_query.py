"""What words mean in structures: "left kidney tumour", "renal mass", ``brain/neoplasm:enhancing``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache

from medshelf.catalogue.vocabulary import fold, matching, members, narrower, terms
from medshelf.model.structure import Structure, parse

_SIDES = frozenset({"left", "right"})
_STOP = frozenset({"of", "the", "in", "a", "an", "and", "with"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an annotated structure must be; an empty field asks for nothing."""

    bases: frozenset[str] = frozenset()
    findings: frozenset[str] = frozenset()
    sides: frozenset[str] = frozenset()
    """Left or right, or a member of a series; all of them must hold (``rib.left.7``)."""
    part: str | None = None

    def met_by(self, structure: Structure) -> bool:
        """Return whether an annotated structure is what is wanted."""
        return (
            (not self.bases or structure.base in self.bases)
            and (not self.findings or structure.finding in self.findings)
            and self.sides <= set((structure.side or "").split("."))
            and self.part in (None, structure.part)
        )


def understand(text: str, parts: Collection[str] = ()) -> tuple[Wanted, ...]:
    """Return what a name or a phrase asks for: any of the answers will do.

    Parameters
    ----------
    text : str
        A structure name (``kidney.left/cyst``), or words of the vocabularies of structures and findings in
        any order ("left renal cysts"). Narrower terms count: a neoplasm is a mass.
    parts : collection of str
        The parts that annotations name ("enhancing", "peripheral_zone"); they are no vocabulary of their own.

    Returns
    -------
    tuple of Wanted
        Empty when a word is unknown, or when two structures are named that have nothing in common.
    """
    phrase = _phrase(text, parts)
    return (phrase,) if phrase else tuple(_named(text))


def _named(text: str) -> Iterator[Wanted]:
    """Yield what a name in the form of `medshelf.model.structure` asks for."""
    try:
        structures = parse(text.strip())
    except ValueError:
        return
    for structure in structures:
        bases = _below("structure", structure.base)
        findings = _below("finding", structure.finding or "")
        if bases and bool(findings) == bool(structure.finding):
            sides = frozenset(structure.side.split(".")) if structure.side else frozenset[str]()
            # a side or part is said of this very structure, not of what is inside it
            exact = sides or (structure.part and not structure.finding)
            yield Wanted(frozenset({structure.base}) if exact else bases, findings, sides, structure.part)


def _phrase(text: str, parts: Collection[str]) -> Wanted | None:
    """Return what words ask for, the longest that are known first; None when one is unknown."""
    words = text.replace(",", " ").split()
    found = Wanted()
    while words:
        for n in range(len(words), 0, -1):
            said = _said(" ".join(words[:n]), parts)
            if said is not None:
                break
        else:
            return None
        both = _both(found, said)
        if both is None:
            return None
        found, words = both, words[n:]
    if not found.bases:
        owners = (_series().get(side, frozenset()) for side in found.sides)
        found = replace(found, bases=frozenset().union(*owners))
    return found if found.bases or found.findings or found.part else None


def _said(words: str, parts: Collection[str]) -> Wanted | None:
    """Return what one phrase asks for: a structure, a finding, a side, a part, or (a stop word) nothing."""
    if bases := _below("structure", words):
        return Wanted(bases=bases)
    if findings := _below("finding", words):
        return Wanted(findings=findings)
    if words.lower() in _SIDES:
        return Wanted(sides=frozenset({words.lower()}))
    if words.upper() in _series():
        return Wanted(sides=frozenset({words.upper()}))
    for part in parts:
        if fold(part) == fold(words):
            return Wanted(part=part)
    return Wanted() if words.lower() in _STOP else None


def _both(one: Wanted, other: Wanted) -> Wanted | None:
    """Return what asks for both; None when that can't be."""
    bases = one.bases & other.bases if one.bases and other.bases else one.bases | other.bases
    found = one.findings, other.findings
    findings = found[0] & found[1] if all(found) else found[0] | found[1]
    lost = (one.bases and not bases) or (one.findings and not findings) or (one.part and other.part)
    return None if lost else Wanted(bases, findings, one.sides | other.sides, one.part or other.part)


def _below(subject: str, words: str) -> frozenset[str]:
    """Return the terms that words name and everything narrower."""
    return frozenset().union(*(narrower(subject, name) for name in matching(subject, words)))


@cache
def _series() -> dict[str, frozenset[str]]:
    """Return, for every member of a series, the structures that have it: ``L3`` is a vertebra."""
    found: dict[str, set[str]] = {}
    for structure in terms("structure"):
        for member in members(structure):
            found.setdefault(member, set()).add(structure)
    return {member: frozenset(names) for member, names in found.items()}
