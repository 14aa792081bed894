"""The documentation says what the code does: all of it, and nothing else. Pages are run as they stand."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import medshelf
from medshelf import errors, formats
from medshelf.audit.checks import catalogue_of_checks
from medshelf.catalogue import shelf
from medshelf.catalogue.vocabulary import terms
from medshelf.cli.app import VERBS

REPO = Path(__file__).resolve().parents[2]
DOCS = REPO / "docs"
SOURCE = REPO / "src" / "medshelf"
sys.path.insert(0, str(DOCS))

import generate  # noqa: E402
from generate import checks, cli, keys, python, transcript, vocabulary, words  # noqa: E402
from generate import formats as format_pages  # noqa: E402

_SPEC = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
assert _SPEC is not None and _SPEC.loader is not None
build = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(build)

PAGES = build.pages()
RUN = [page for page in PAGES if transcript.has_code(page.read_text(encoding="utf-8"))]


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


# --- what is generated ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def wanted() -> dict[Path, str]:
    return generate.generated()


@pytest.mark.parametrize("name", [*generate.PAGES, "reference/record.md", "reference/recipe.md"])
def test_generated_pages_say_what_the_code_says(name: str, wanted: dict[Path, str]) -> None:
    assert text_of(name) == wanted[DOCS / name], "run: python docs/build.py"


def test_no_generated_part_is_stale(wanted: dict[Path, str]) -> None:
    stale = [p.relative_to(DOCS).as_posix() for p in generate.stale()]
    assert not stale, f"run: python docs/build.py ({', '.join(stale)})"


def test_a_part_that_was_changed_by_hand_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    page = DOCS / "concepts" / "floors.md"
    changed = page.read_text(encoding="utf-8").replace("| `cli` |", "| `roof` |")
    real = Path.read_text

    def read_text(self: Path, *args: object, **kwargs: object) -> str:
        return changed if self == page else real(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", read_text)
    assert page in generate.stale()


def test_every_word_of_the_language_has_an_example_and_none_is_made_up_without_need() -> None:
    page = text_of("reference/layout-words.md")
    for cls in keys.LAYOUT:
        section = page.partition(f"\n## {cls.__name__}\n")[2].partition("\n## ")[0]
        for field in fields(cls):
            _, found, rest = section.partition(f"**`{field.name}`**")
            assert found and "```toml\n" in rest.partition("\n**`")[0], (cls.__name__, field.name)
    for section, made in words.made().items():
        for word in made:
            part = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
            told = part.partition(f"**`{word}`**")[2].partition("\n**")[0]
            assert "# made for this page" in told, f"{section}.{word}: a record has an example now; take it out"


# --- nothing is left out -------------------------------------------------------------------


@pytest.mark.parametrize("verb", cli.verbs())
def test_every_verb_is_documented_with_its_options(verb: str) -> None:
    section = text_of("reference/cli.md").partition(f"\n## {verb}\n")[2].partition("\n## ")[0]
    assert f"medshelf {verb}" in section
    command = __import__(f"medshelf.cli.{verb}", fromlist=["command"]).command
    for parameter in command.params:
        for option in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{option}`" in section


def test_every_verb_that_is_listed_is_there() -> None:
    assert cli.verbs() == list(VERBS)


def test_every_exit_code_is_documented() -> None:
    found = {0}
    for node in ast.walk(ast.parse((SOURCE / "cli" / "app.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "complain":
            found |= {n.value for n in ast.walk(node.args[1]) if isinstance(n, ast.Constant)}
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.MedshelfError)]
    found |= {kind.exit_code for kind in kinds}
    assert {n for n in found if isinstance(n, int)} == set(cli.EXIT_CODES)
    page = text_of("reference/cli.md")
    for number in cli.EXIT_CODES:
        assert f"\n| {number} | " in page


def test_every_environment_variable_is_documented() -> None:
    sources = "\n".join(p.read_text(encoding="utf-8") for p in SOURCE.rglob("*.py"))
    assert set(re.findall(r"MEDSHELF_[A-Z_]+[A-Z]", sources)) <= set(cli.VARIABLES)
    assert all(f"`{name}`" in text_of("reference/cli.md") for name in cli.VARIABLES)


@pytest.mark.parametrize("name", [n for n in medshelf.__all__ if n != "MedshelfError"])
def test_every_public_name_is_documented(name: str) -> None:
    heading = name if name[0].isupper() else f"medshelf.{name}"
    assert f"\n### {heading}\n" in text_of("reference/python.md")


@pytest.mark.parametrize("name", python.classes())
def test_every_class_that_is_returned_has_its_attributes_documented(name: str) -> None:
    section = text_of("reference/python.md").partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    cls = python.classes()[name]
    shown = [f.name for f in fields(cls)] if hasattr(cls, "__dataclass_fields__") else _named(cls)
    missing = [n for n in shown if f"| `{n}` |" not in section and n not in python.HIDDEN]
    assert not missing


def _named(cls: type) -> list[str]:
    """The fields of a named tuple, or the members of an enumeration."""
    return list(getattr(cls, "_fields", None) or cls.__members__)


def test_every_error_is_documented() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.MedshelfError)]
    page = text_of("reference/python.md").partition("\n## Errors\n")[2]
    assert all(f"| `{kind.__name__}` |" in page for kind in kinds)


def test_every_check_in_the_code_is_documented_and_the_other_way_round() -> None:
    documented = {*checks.NAMES, *catalogue_of_checks()}
    in_code = {name for name in checks.severities() if re.fullmatch(r"[a-z]+\.[a-z-]+", name)}
    assert in_code <= documented
    texts = "\n".join(p.read_text(encoding="utf-8") for p in SOURCE.rglob("*.py"))
    assert all(f'"{name}"' in texts for name in documented)
    page = text_of("reference/checks.md")
    assert all(f"| `{name}` |" in page for name in documented)


def test_every_format_is_documented() -> None:
    folder = SOURCE / "formats"
    there = {p.stem if p.is_file() else p.name for p in folder.iterdir() if p.suffix == ".py" or p.is_dir()}
    there -= {"__init__", "__pycache__"}
    assert there == {*formats.IMAGE_FORMATS, "dicom", *format_pages.OTHERS, *format_pages.BEHIND}
    page = text_of("reference/formats.md")
    for name in (*formats.IMAGE_FORMATS, "dicom", *format_pages.OTHERS):
        assert f"\n### {name}\n" in page


@pytest.mark.parametrize("subject", [*vocabulary.subjects(), "licence"])
def test_every_word_of_a_vocabulary_is_documented(subject: str) -> None:
    section = text_of("reference/licences.md")
    if subject != "licence":
        head = f"\n## {subject.capitalize()}\n"
        section = text_of("reference/vocabulary.md").partition(head)[2].partition("\n## ")[0]
    shown = set(re.findall(r"^\| \[?`?([^`|\]]+?)`?(?:\]\([^)]*\))? \|", section, re.MULTILINE))
    assert set(terms(subject)) <= shown


def test_every_question_asked_of_licences_is_explained() -> None:
    asked = {key for t in terms("licence").values() for key in t.facts.get("terms", {})}
    assert asked <= set(vocabulary.TERMS)


@pytest.mark.parametrize("cls", [*keys.LAYOUT, *keys.RECORD, *keys.RECIPE], ids=lambda c: c.__name__)
def test_every_key_is_documented(cls: type) -> None:
    pages = {"layout-language": keys.LAYOUT, "record": keys.RECORD, "recipe": keys.RECIPE}
    [page] = [text_of(f"reference/{name}.md") for name, group in pages.items() if cls in group]
    assert not [one.name for one in fields(cls) if f"\n| `{one.name}` |" not in page]


def test_every_record_is_in_the_catalogue_page() -> None:
    page = text_of("reference/catalogue.md")
    assert not [name for name in shelf.ids() if f"| [{name}](" not in page and f"| {name} |" not in page]


# --- pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", RUN, ids=lambda p: p.relative_to(DOCS).as_posix())
def test_what_a_page_shows_is_what_happens(page: Path) -> None:
    _, differences = transcript.run_page(page.read_text(encoding="utf-8"))
    assert not differences, "\n".join(map(str, differences))


def test_links_pictures_and_navigation_are_whole() -> None:
    assert not build.check_pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(DOCS).as_posix())
def test_a_page_names_no_folder_of_the_machine_it_was_made_on(page: Path) -> None:
    found = re.findall(r"(?<![\w.])/(?:tmp|root|home|work|private)/\S*", page.read_text(encoding="utf-8"))
    assert not found


# --- the checks themselves can fail --------------------------------------------------------


def differing(text: str) -> list[transcript.Difference]:
    return transcript.run_page(text)[1]


def test_an_output_that_is_not_real_is_found() -> None:
    assert not differing("```console\n$ echo one\none\n```\n")
    [found] = differing("```console\n$ echo one\ntwo\n```\n")
    assert (found.line, found.real, found.failed) == (2, "one\n", False)


def test_a_command_that_fails_unannounced_is_found() -> None:
    assert differing("```console\n$ false\n```\n")[0].failed
    assert not differing("```console\n$ false\n$ echo $?\n1\n```\n")


def test_dots_stand_for_lines_and_times_do_not_matter() -> None:
    assert not differing("```console\n$ seq 5\n1\n…\n5\n```\n")
    assert differing("```console\n$ seq 5\n1\n…\n6\n```\n")
    assert not differing("```console\n$ echo 0.3 s\n9.1 s\n```\n")


def test_python_that_gives_something_else_is_found_and_renewed() -> None:
    page = "```python\n>>> x = 2\n>>> x + 1\n4\n```\n\n```python\n>>> x\n2\n```\n"
    renewed, [found] = transcript.run_page(page)
    assert (found.line, found.real) == (3, "3\n")
    assert renewed == page.replace("4\n", "3\n")


def test_python_that_raises_unannounced_is_found() -> None:
    assert differing("```python\n>>> 1 / 0\n```\n")[0].failed


def test_a_verb_that_no_page_speaks_of_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.cli, "verbs", lambda: ["conjure"])
    assert build.check_pages() == ["docs/reference/cli.md: says nothing of the verb conjure"]


def test_a_page_outside_the_navigation_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "navigation", lambda: [n for n in navigated if n != "index.md"])
    navigated = [p.relative_to(DOCS).as_posix() for p in PAGES]
    assert build.check_pages() == ["docs/index.md: is not in the navigation (zensical.toml)"]


def test_a_link_to_a_page_that_is_not_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "links", lambda text: ["nowhere.md#x"] if text.startswith("# Floors") else [])
    assert build.check_pages() == ["docs/concepts/floors.md: links to nowhere.md#x, which is not there"]


def test_links_of_a_page_are_found_outside_of_code() -> None:
    assert build.links("a [b](c.md#d) ![e](f.svg) `[g](h.md)` [i](https://example.org)") == ["c.md#d", "f.svg"]


def test_two_headings_of_one_anchor_are_found() -> None:
    assert build.doubled_anchors("# A b\n\n## a B\n\n```\n# a b\n```\n") == ["a-b"]
