"""The page on the Python interface: the public names and what they return."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import medshelf
from generate.attributes import attribute_docs, attributes
from generate.markdown import Doc, code, parse_doc, table
from medshelf import errors

SOURCE = "the docstrings of src/medshelf"

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Find and show", ("find", "Hit", "show")),
    (
        "Plan and get",
        ("plan", "Plan", "PlannedFile", "Asked", "Terms", "get", "Got", "Fetched", "Failure", "add", "Added", "Doubt"),
    ),
    (
        "Open a dataset",
        ("open", "Dataset", "Sample", "Image", "Mask", "Annotation", "State", "Case", "FileRef"),
    ),
    ("Read one file", ("read", "Volume", "Header")),
    ("Hand it to a framework", ("TorchDataset", "LoadSample", "SubjectsOfDataset")),
    ("Check and identify", ("check", "Report", "Finding", "identify", "Identity", "Guess")),
    ("Audit a dataset", ("audit", "Audit", "CaseFacts", "ImageFacts", "MaskFacts")),
    ("Build a cohort", ("build", "Built", "Excluded")),
    ("Write a twin", ("twin", "Twin")),
)
"""Headings and what stands below them: public names, and the classes that those return."""

_NOTES = {
    "Find and show": ("The attributes of a `Record` are the keys of the files of a [record](record.md).", ""),
    "Hand it to a framework": (
        "`Dataset.to_torch`, `Dataset.to_monai` and `Dataset.to_torchio` take the parameters of `TorchDataset` but the",
        "first, and return one of these.",
        "",
    ),
}
"""What stands below a heading."""

_WHERE = {
    "Hit": "catalogue.search", "Image": "samples.image", "Mask": "samples.annotation",
    "Annotation": "samples.annotation",
    "State": "model.labels", "Case": "model.case", "FileRef": "model.case", "Volume": "model.volume",
    "Header": "model.volume", "Report": "layout.check", "Finding": "model.finding", "Identity": "layout.identify",
    "Guess": "layout.identify", "Audit": "audit.run", "CaseFacts": "audit.facts", "ImageFacts": "audit.facts",
    "MaskFacts": "audit.facts", "Built": "export.build", "Excluded": "cohort.choose", "Twin": "samples.twin",
    "Plan": "fetch.planned", "PlannedFile": "fetch.planned", "Asked": "fetch.planned", "Terms": "fetch.planned",
    "Got": "fetch.get", "Added": "fetch.add", "Doubt": "fetch.prove", "Fetched": "access.download.records",
    "Failure": "access.download.records",
    "TorchDataset": "samples.for_torch", "LoadSample": "samples.for_monai", "SubjectsOfDataset": "samples.for_torchio",
}  # fmt: skip

_UNIMPORTED = ("TorchDataset", "LoadSample", "SubjectsOfDataset")
"""Classes whose module needs a framework: only their text is read."""

_LINKED = {name for _, names in SECTIONS for name in names}


def page() -> str:
    """Every public name, with its parameters, and every class that a user meets."""
    parts = [
        "# Python",
        "",
        "The functions have the names of the [verbs](cli.md), and give as objects what the verbs print.",
        "`import medshelf` imports nothing heavy; each name is imported when it is first used. The public names are "
        + ", ".join(_link(name) for name in medshelf.__all__)
        + ".",
        "",
    ]
    for title, names in SECTIONS:
        parts += [f"## {title}", "", *_NOTES.get(title, ()), *(_entry(name) for name in names)]
    parts += ["## Errors", "", _errors()]
    return "\n".join(parts)


def _entry(name: str) -> str:
    if name in _UNIMPORTED:
        return _text_only(name)
    thing = public(name) if name in medshelf.__all__ else _found(name)
    if inspect.isclass(thing):
        return _class(name, thing)
    return _function(f"medshelf.{name}", f"medshelf.{name}", thing, 3)


def public(name: str) -> Any:
    """Return what a public name stands for, even when a package of the same name was imported before."""
    return medshelf.__getattr__(name)


def _found(name: str) -> Any:
    return getattr(importlib.import_module(f"medshelf.{_WHERE[name]}"), name)


# --- functions -----------------------------------------------------------------------------


def _function(spelt: str, title: str, function: Any, level: int) -> str:
    return f"{'#' * level} {title}\n\n{_signature(spelt, function)}\n{_doc(parse_doc(function.__doc__), function)}"


def _signature(spelt: str, function: Any) -> str:
    told = inspect.signature(function)
    kept = [_unquoted(p) for p in told.parameters.values() if p.name not in ("self", "cls")]
    shown = str(told.replace(parameters=kept, return_annotation=_Bare(told.return_annotation)))
    line = f"{spelt}{shown}"
    if len(line) > 96 and kept:
        inner, returned = shown[1:].rsplit(")", 1)
        line = f"{spelt}(\n    " + ",\n    ".join(_split(inner)) + f",\n){returned}"
    return f"```python\n{line}\n```\n"


class _Bare:
    """An annotation that is shown as it is written."""

    def __init__(self, annotation: Any) -> None:
        self.text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)

    def __repr__(self) -> str:
        return self.text


def _unquoted(parameter: inspect.Parameter) -> inspect.Parameter:
    bare = parameter.annotation is inspect.Parameter.empty
    return parameter if bare else parameter.replace(annotation=_Bare(parameter.annotation))


def _split(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for n, char in enumerate(text):
        depth += (char in "[(") - (char in "])")
        if char == "," and depth == 0:
            yield text[start:n].strip()
            start = n + 1
    yield text[start:].strip()


def _doc(doc: Doc, function: Any = None) -> str:
    parts = [f"{_links(doc.summary)}\n"]
    if doc.body:
        parts.append(f"{_links(doc.body)}")
    for section, items in doc.sections.items():
        if section == "Parameters":
            parts.append(table(("Parameter", "Type", "Meaning"), [_parameter(*item) for item in items]))
        elif section in ("Returns", "Yields"):
            parts.append(f"**{section}** " + "; ".join(_said(h, b) for h, b in items) + "\n")
        elif section == "Raises":
            parts.append(table(("Raises", "When"), [(_names(h), _links(b)) for h, b in items]))
    return "\n".join(parts)


def _parameter(head: str, below: str) -> tuple[str, str, str]:
    name, _, kind = head.partition(" : ")
    return ", ".join(code(n.strip()) for n in name.split(",")), kind, _links(below)


def _said(head: str, below: str) -> str:
    shown = re.sub(r"\w+", lambda m: _link(m[0]) if m[0] in _LINKED and m[0][0].isupper() else m[0], head)
    return f"{shown}: {_links(below)}" if below else shown


def _names(text: str) -> str:
    return ", ".join(_link(name.strip()) for name in text.split(","))


def _links(text: str) -> str:
    """Turn names of things that this page explains into links."""
    return re.sub(r"(?<!\[)`(?:medshelf\.)?(\w+)`", lambda m: _link(m[1]) if m[1] in _LINKED else m[0], text)


def _link(name: str) -> str:
    if isinstance(getattr(errors, name, None), type):
        return f"[`{name}`](#errors)"
    if name not in _LINKED:
        return code(name)
    return f"[`{name}`](#{name.lower() if name[0].isupper() else 'medshelf' + name})"


# --- classes -------------------------------------------------------------------------------


def _class(name: str, cls: type) -> str:
    parts = [f"### {name}\n", _doc(parse_doc(cls.__doc__))]
    rows = list(_attribute_rows(cls))
    if rows:
        parts.append(table(("Attribute", "Type", "Meaning"), rows))
    for method, function in _methods(cls):
        parts.append(_function(f"{name.lower()}.{method}", f"{name}.{method}", function, 4))
    return "\n".join(parts)


HIDDEN = {"assembler", "load", "read_segments"}
"""Attributes that are there for the code, not for users."""


def _attribute_rows(cls: type) -> Iterator[tuple[str, str, str]]:
    if is_dataclass(cls) or hasattr(cls, "_fields"):
        for one in attributes(cls):
            if one.name not in HIDDEN:
                yield code(one.name), code(one.written), _links(one.doc)
    else:
        docs = attribute_docs(cls)
        for member in getattr(cls, "__members__", {}).values():
            yield code(member.name), code(repr(str(member))), docs.get(member.name, "")
    for name, value in vars(cls).items():
        getter = value.fget if isinstance(value, property) else getattr(value, "func", None)
        if getter is None or name.startswith("_"):
            continue
        doc = parse_doc(getter.__doc__)
        returned = inspect.get_annotations(getter).get("return", "")
        more = " ".join(f"Raises `{h}`: {b}" for h, b in doc.sections.get("Raises", []))
        yield code(name), code(returned) if returned else "", _links(f"{doc.summary} {more}".strip())


def _methods(cls: type) -> Iterator[tuple[str, Any]]:
    for name, value in vars(cls).items():
        if name.startswith("_") or name == "dry_iter":
            continue
        value = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if inspect.isfunction(value):
            yield name, value


def _text_only(name: str) -> str:
    place = Path(medshelf.__file__).parent / (_WHERE[name].replace(".", "/") + ".py")
    tree = ast.parse(place.read_text(encoding="utf-8"))
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    return f"### {name}\n\n{_doc(parse_doc(ast.get_docstring(node)))}"


def _errors() -> str:
    """The tree of errors as the module draws it, and what each says."""
    text = inspect.cleandoc(errors.__doc__ or "")
    intro, tree, rest = re.split(r"\n\n", text, maxsplit=2)
    named = [node.name for node in ast.parse(inspect.getsource(errors)).body if isinstance(node, ast.ClassDef)]
    kinds = [getattr(errors, n) for n in named if issubclass(getattr(errors, n), errors.MedshelfError)]
    rows = [(code(k.__name__), k.exit_code, parse_doc(k.__doc__).summary) for k in kinds]
    kept = parse_doc(errors.MedshelfError.__doc__).sections["Parameters"]
    base = table(("Attribute", "Type", "Meaning"), [_parameter(*item) for item in kept])
    return "\n".join([
        f"{intro} All are in `medshelf.errors`; `medshelf.MedshelfError` catches them all.\n",
        f"```text\n{tree}\n```\n",
        " ".join(rest.split()) + "\n",
        base,
        table(("Error", "Exit code", "Says"), rows),
    ])  # fmt: skip


def classes() -> dict[str, type]:
    """Return the classes of the page that can be imported without a framework."""
    return {n: _found(n) for n in _WHERE if n not in _UNIMPORTED}


