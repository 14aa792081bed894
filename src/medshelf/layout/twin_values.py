"""Values for the fields of a twin's names: told by the case, meant by another word, or invented."""

from __future__ import annotations

from collections.abc import Mapping

from medshelf.layout.fields import derive
from medshelf.layout.invent import invent
from medshelf.layout.join import SERIES_READERS, bound_fields
from medshelf.layout.template import Template
from medshelf.model.case import FieldValue
from medshelf.model.layout import Layout, Slot

Captured = dict[str, str]
"""Text by field, as a name would have it."""


def is_key(layout: Layout, name: str) -> bool:
    """True when a field tells cases apart, or their split."""
    sources = {(layout.fields[k].of or k) if k in layout.fields else k for k in layout.key}
    return name in sources or name in layout.key or name == "split" or _feeds_split(layout, name)


def _feeds_split(layout: Layout, name: str) -> bool:
    rule = layout.fields.get("split")
    return rule is not None and rule.of == name


def complete(layout: Layout, slot: str, template: Template, start: Mapping[str, str], number: int) -> Captured:
    """Give every field of a template that has no value yet one that follows from the number."""
    values = dict(start)
    for name in template.fields:
        if name not in values:
            values[name] = value_of(layout, slot, template, name, number)
    return values


def value_of(layout: Layout, slot: str, template: Template, name: str, number: int) -> str:
    """Return the value of one field: an example, one of its words, or an invented one."""
    examples: tuple[str, ...] = ()
    if layout.example is not None:
        examples = layout.example.slots.get(slot, {}).get(name) or layout.example.fields.get(name, ())
    words = template.enumerated.get(name, ())
    if words and not examples:
        return words[number % len(words)]
    if examples and not is_key(layout, name) and name not in _member_names(layout, slot, template):
        return examples[number % len(examples)]
    return invent(name, template.specs[name], number, examples)


def _member_names(layout: Layout, slot: str, template: Template) -> tuple[str, ...]:
    return member_fields(layout, layout.files[slot], template) if slot in layout.files else ()


def fitting_words(
    layout: Layout, template: Template, values: Mapping[str, str], fields: Mapping[str, FieldValue]
) -> Captured:
    """For enumerated fields whose captured word is not one of the template's: the word of equal meaning."""
    found: Captured = {}
    for name, words in template.enumerated.items():
        if values.get(name) in words:
            continue
        for word in words:
            meaning = derive({name: word}, frozenset(), layout.fields)
            shared = [k for k in meaning if k in fields and k != name]
            same = meaning.get(name) == fields.get(name) if name in fields else False
            if same or (name not in layout.key and shared and all(str(meaning[k]) == str(fields[k]) for k in shared)):
                found[name] = word
                break
    return found


def member_fields(layout: Layout, slot: Slot, template: Template) -> tuple[str, ...]:
    """Fields that tell the members of a series, or the parts of a merged mask, apart."""
    if slot.along is not None and slot.along in template.fields:
        return (slot.along,)
    if slot.reader not in SERIES_READERS and not slot.merge:
        return ()
    sources = {(layout.fields[k].of or k) if k in layout.fields else k for k in layout.key}
    bound = {*bound_fields(slot), *slot.complete, *template.enumerated}
    free = [f for f in template.fields if f not in sources and f not in bound]
    return tuple(free[-1:])
