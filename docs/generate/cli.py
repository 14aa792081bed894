"""The page on the command line, from the commands themselves."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterator

import click

from generate.markdown import code, table
from medshelf import errors
from medshelf.cli.app import VERBS, cli

SOURCE = "the commands in src/medshelf/cli"

EXIT_CODES = {
    0: "all is well",
    1: "the command ran, and found problems: defects of names or files, a record that is wrong",
    2: "usage: an unknown verb, option or term; a recipe that can't be carried out; a package that is not installed",
    3: "something is there and can't be opened: permission, a lock, a broken or encrypted archive",
    4: "bytes that are not what they should be",
    5: "not found: no such dataset, file or case; nothing that matches",
    6: "the disk is full",
    70: "a mistake in medshelf itself, which we want to hear of",
    130: "stopped by the user (Ctrl-C)",
}

VARIABLES = {
    "MEDSHELF_CATALOGUE": "folder that holds `datasets/` and `vocabulary/`, in place of medshelf's own",
    "MEDSHELF_CACHE_DIR": "folder for what can be made again (the baked shelf, indices of archives), in place of the "
    "user's cache folder",
    "MEDSHELF_MEMBER_LIMIT_BYTES": "largest member of an archive that is read into memory; 16 GiB by default",
    "MEDSHELF_SPOOL_LIMIT_BYTES": "how much of a compressed archive may be unpacked into the cache folder; 32 GiB by "
    "default",
    "MEDSHELF_DATA": "folder in which `plan` and `get` keep datasets, each by its name; else the current one",
    "MEDSHELF_ARCHIVE_PASSWORD": "password that opens encrypted members of archives",
    "MEDSHELF_OFFLINE": "when set, nothing is asked of the network",
    "MEDSHELF_REWRITES": "beginnings of addresses and what to put in their place, "
    "`https://zenodo.org=https://mirror.example`, "
    "several with blanks between: a mirror of your institution, which is trusted alike",
    "MEDSHELF_USER_AGENT": "how medshelf names itself to hosts, in place of its own name",
    "MEDSHELF_IDC_INDEX": "an index of the NCI Imaging Data Commons, such as that of the package `idc-index-data`",
    "MEDSHELF_DEBUG": "when set, a mistake in medshelf shows its traceback",
    "NO_COLOR": "when set, no colours",
}


def page() -> str:
    """Every verb, option, exit code and environment variable."""
    return "\n".join([
        "# Command line",
        "",
        "Data goes to stdout, progress and remarks go to stderr. Every verb takes `--json`. Where a verb lists ids,",
        "`-q` prints them alone, one a line.",
        "",
        table(("Verb", "What it does"), [(f"[{v}](#{v})", VERBS[v]) for v in verbs()]),
        *(part for verb in verbs() for part in _verb(verb)),
        "## Exit codes",
        "",
        table(("Code", "Meaning", "Errors"), [(n, said, _errors(n)) for n, said in EXIT_CODES.items()]),
        "## Environment variables",
        "",
        table(("Variable", "Meaning"), [(code(n), said) for n, said in VARIABLES.items()]),
    ])  # fmt: skip


def verbs() -> list[str]:
    """Return the verbs that are here."""
    return [v for v in VERBS if importlib.util.find_spec(f"medshelf.cli.{v}") is not None]


def _errors(number: int) -> str:
    kinds = (getattr(errors, name) for name in vars(errors))
    found = [k for k in kinds if isinstance(k, type) and issubclass(k, errors.MedshelfError)]
    return " ".join(code(k.__name__) for k in found if k.exit_code == number and k is not errors.MedshelfError)


def _verb(name: str) -> Iterator[str]:
    context = click.Context(cli, info_name="medshelf", help_option_names=["-h", "--help"])
    command = cli.get_command(context, name)
    assert command is not None
    inner = click.Context(command, info_name=name, parent=context)
    usage = " ".join(["medshelf", name, *command.collect_usage_pieces(inner)])
    yield f"## {name}\n"
    yield f"```text\n{usage}\n```\n"
    yield from _help(command.help or "")
    options = [p for p in command.params if isinstance(p, click.Option)]
    rows = [(_spelt(o, inner), o.help or "", _default(o)) for o in options]
    yield table(("Option", "Meaning", "Default"), rows)


def _help(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = [line.strip() for line in paragraph.replace("\b", "").strip().splitlines()]
        if paragraph.lstrip().startswith("\b"):
            yield "```sh\n" + "\n".join(lines) + "\n```\n"
        elif lines:
            yield "\n".join(lines) + "\n"


def _spelt(option: click.Option, context: click.Context) -> str:
    names = ", ".join(code(o) for o in option.opts)
    if option.is_flag:
        return names
    return f"{names} {option.make_metavar(context)}"


def _default(option: click.Option) -> str:
    if option.required:
        return "required"
    return code(option.default) if option.show_default and option.default not in (None, "") else ""
