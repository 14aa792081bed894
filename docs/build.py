"""Build the documentation: ``python docs/build.py``.

1. Write what is generated from the code and the catalogue (`generate.PAGES`, `generate.PARTS`).
2. Run the commands and the Python that the pages show, and put what comes out in their place.
3. Build the site into ``site/`` with zensical, where a broken link or anchor is an error.
4. Check what zensical does not: pages outside the navigation, pictures that are absent, links to files of the
   repository, verbs without a place in the reference.

With ``--check`` nothing is written, and anything that would change is an error. With ``--no-run`` step 2 is left out.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parent
REPO = DOCS.parent
sys.path.insert(0, str(DOCS))

import generate  # noqa: E402
from generate import cli, transcript  # noqa: E402

_LINK = re.compile(r"!?\[(?:[^\]\\]|\\.)*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Build, or with ``--check`` only compare; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; what would change is an error")
    parser.add_argument("--no-run", action="store_true", help="do not run the commands that pages show")
    chosen = parser.parse_args()
    problems = list(_generate(write=not chosen.check))
    if not chosen.no_run:
        problems += _run(write=not chosen.check)
    problems += check_pages()
    problems += _site()
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(pages())} pages, {len(problems)} problems")
    if not problems:
        print("to read them, with search: python -m http.server --directory site")
    return 1 if problems else 0


def pages() -> list[Path]:
    """Return all pages."""
    return sorted(DOCS.rglob("*.md"))


def _generate(*, write: bool) -> Iterator[str]:
    for path, text in generate.stale().items():
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(REPO)}")
        else:
            yield f"{path.relative_to(REPO)}: is not what the code says. Run: python docs/build.py"


def _run(*, write: bool) -> Iterator[str]:
    for path in pages():
        text = path.read_text(encoding="utf-8")
        if not transcript.has_code(text):
            continue
        renewed, differences = transcript.run_page(text)
        wrong = [d for d in differences if d.failed or not write]
        yield from (f"{path.relative_to(REPO)}: {difference}" for difference in wrong)
        if write and renewed != text and not wrong:
            path.write_text(renewed, encoding="utf-8")
            print(f"renewed {path.relative_to(REPO)}: look at what changed")


def _site() -> Iterator[str]:
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=REPO, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        yield re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr.partition("Traceback")[0])


def check_pages() -> list[str]:
    """Return what is wrong with the pages as they stand."""
    problems = []
    listed = set(navigation())
    for path in pages():
        name = path.relative_to(DOCS).as_posix()
        if name not in listed:
            problems.append(f"docs/{name}: is not in the navigation (zensical.toml)")
        text = path.read_text(encoding="utf-8")
        problems += [f"docs/{name}: two headings have the anchor #{anchor}" for anchor in doubled_anchors(text)]
        for target in links(text):
            place = (path.parent / target.partition("#")[0]).resolve()
            if target.partition("#")[0] and not place.exists():
                problems.append(f"docs/{name}: links to {target}, which is not there")
            elif not place.is_relative_to(DOCS):
                problems.append(f"docs/{name}: links to {target}, which the site does not hold")
    problems += [f"zensical.toml: there is no page {name}" for name in listed if not (DOCS / name).is_file()]
    reference = DOCS / "reference" / "cli.md"
    text = reference.read_text(encoding="utf-8") if reference.is_file() else ""
    absent = [verb for verb in cli.verbs() if f"\n## {verb}\n" not in text]
    return problems + [f"docs/reference/cli.md: says nothing of the verb {verb}" for verb in absent]


def doubled_anchors(text: str) -> list[str]:
    """Return the anchors that two headings of a page share: a link would always lead to the first."""
    heads = re.findall(r"^#{1,6} (.+)$", _CODE_BLOCK.sub("", text), re.MULTILINE)
    anchors = Counter(re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads)
    return [anchor for anchor, n in anchors.items() if n > 1]


def links(text: str) -> list[str]:
    """Return the targets of the links and pictures of a page that lie in the repository."""
    found = _LINK.findall(_CODE.sub("", text))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def navigation() -> Iterator[str]:
    """Yield the pages that the navigation names."""

    def walk(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    config = tomllib.loads((REPO / "zensical.toml").read_text(encoding="utf-8"))
    yield from walk(config["project"]["nav"])


if __name__ == "__main__":
    sys.exit(main())
