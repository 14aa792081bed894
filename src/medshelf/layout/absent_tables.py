"""Find tables that are absent: one for all, one for each combination of words, or one for each case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from medshelf.layout.join import Joined
from medshelf.layout.template import Template
from medshelf.model.case import FileRef
from medshelf.model.layout import Layout


def absent_tables(layout: Layout, template: Template, refs: Sequence[FileRef], joined: Joined) -> Iterator[str]:
    """Yield the names that a table should have and no file has."""
    if refs and set(template.fields) - set(template.enumerated):
        yield from _absent_by_case(layout, template, refs, joined)
        return
    for expected in _expected_tables(layout, template, joined):
        if not any(ref.name == expected or ref.name.endswith("/" + expected) for ref in refs):
            yield expected


def _absent_by_case(layout: Layout, template: Template, refs: Sequence[FileRef], joined: Joined) -> Iterator[str]:
    """Yield the absent names of a table that exists once for each case or patient, where cases tell its whole name."""
    names = template.fields

    def meant(texts: tuple[str | None, ...]) -> tuple[object, ...]:
        pairs = zip(names, texts, strict=True)
        return tuple(int(text) if name in template.whole_numbers and text else text for name, text in pairs)

    there = {meant(tuple(ref.text(name) for name in names)) for ref in refs}
    wanted = {meant(texts): texts for unit in joined.units if None not in (texts := unit.written(layout, names))}
    for key in sorted(wanted.keys() - there, key=str):
        values = dict(zip(names, wanted[key], strict=True))
        if all(values[name] in words for name, words in template.enumerated.items()):
            yield template.render(values)


def _expected_tables(layout: Layout, template: Template, joined: Joined) -> Iterator[str]:
    """Yield the names that a table should have: for each combination of words that the cases use, all other words."""
    words = template.enumerated
    used = {unit.written(layout, tuple(words)) for unit in joined.units}
    told = [n for n in range(len(words)) if any(combination[n] is not None for combination in used)]
    names = list(words)
    rest = [name for n, name in enumerate(names) if n not in told]
    combinations = {tuple(combination[n] for n in told) for combination in used} if told else {()}
    for known in sorted(c for c in combinations if None not in c):  # type: ignore[type-var]
        values = dict(zip([names[n] for n in told], known, strict=True))
        if all(value in words[name] for name, value in values.items()):
            for others in product(*(words[name] for name in rest)):
                yield template.render({**values, **dict(zip(rest, others, strict=True))})
