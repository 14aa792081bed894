"""The command line: one file per verb, each imported only when it is used."""

from __future__ import annotations

import errno
import io
import os
import sys
from importlib import import_module

import click

from medshelf.cli.output import complain

VERBS = {
    "find": "Find datasets by words and filters.",
    "show": "Show all that is known of a dataset.",
    "related": "Show what shares images, labels or history with a dataset.",
    "compare": "Show datasets side by side.",
    "guide": "Say which datasets suit a need: by size, region, access or application.",
    "stats": "Count what is on the shelf.",
    "cite": "Print what to cite for datasets.",
    "dump": "Write the catalogue as a database, tables, lists or descriptions.",
    "links": "Follow the links of the catalogue and say which are dead or have moved.",
    "new": "Start the record of a dataset.",
    "plan": "Say what it takes to have a dataset here: files, bytes, licence, permission.",
    "get": "Fetch a dataset: resumed, verified, whole or absent.",
    "add": "Adopt a download that was made by hand.",
    "check": "Check the names of a folder, archive or listing against a dataset's layout.",
    "identify": "Say which dataset a folder, archive or listing is.",
    "cases": "List the cases of a dataset that lies here.",
    "view": "Draw a case: three planes with its annotations.",
    "audit": "Look at the files of a dataset and report what is wrong with them.",
    "build": "Carry out a recipe: choose, map, exclude, split and write a folder for a trainer.",
    "twin": "Write a small synthetic copy of a dataset.",
    "doctor": "Look at what stands in the way: versions, network, credentials, hosts.",
}
"""Every verb and its one line of help, in the order of the work."""


class Verbs(click.Group):
    """A group that imports a verb only when it is run or asked for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return import_module(f"medshelf.cli.{cmd_name}").command  # type: ignore[no-any-return]

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # who reads has seen enough (`| head`); click would call that a failure
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from medshelf.catalogue.vocabulary import nearest

            ctx.fail(f"there is no verb {args[0]!r}. {nearest(args[0], VERBS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="medshelf", prog_name="medshelf")
def cli() -> None:
    """One shelf for every public medical dataset: find it, get it, check it, open it, audit it, combine it.

    \b
    Data goes to stdout, progress to stderr. Every verb takes --json.
    Exit codes: 0 ok, 1 problems found, 2 usage, 3 access needed, 4 integrity, 5 not found, 6 disk.
    """


def _unforeseen(error: Exception) -> str:
    notes = " ".join(getattr(error, "__notes__", ()))
    told = f"{type(error).__name__}: {error} {notes}".strip()
    return (
        f"something that medshelf did not foresee ({told}). It is a mistake in medshelf: "
        "run again with MEDSHELF_DEBUG=1 and report what it prints"
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error of ours becomes one message and an exit code."""
    from medshelf.errors import MedshelfError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that are not UTF-8 must not stop a listing
    try:
        code = cli.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:  # what click makes of an interrupt
        code = complain("stopped; run it again to continue", 130)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except MedshelfError as error:
        code = complain(str(error), error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except KeyboardInterrupt:
        code = complain("stopped; run it again to continue", 130)
    except OSError as error:
        code = complain(str(error), 6 if error.errno == errno.ENOSPC else 3)
    except Exception as error:
        if os.environ.get("MEDSHELF_DEBUG"):
            raise
        code = complain(_unforeseen(error), 70)
    sys.exit(code if isinstance(code, int) else 0)
