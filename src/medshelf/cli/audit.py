"""`medshelf audit`."""

from __future__ import annotations

import click

from medshelf.cli.afar import place, remote_options, tell_cost
from medshelf.cli.others import other_option
from medshelf.cli.output import json_option, print_findings, print_json, progress, say


@click.command("audit")
@click.argument("dataset")
@click.argument("where", required=False)
@click.option("--html", "html", type=click.Path(dir_okay=False), help="Also write a report as one HTML file.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Processes.")
@click.option("--cases", type=click.IntRange(min=1), help="Only so many cases, spread over the dataset.")
@click.option("--headers-only", is_flag=True, help="Read no voxels: quicker, and finds less.")
@click.option("--variant", help="Open as this repackaging rather than the one that fits best.")
@other_option
@click.option("--journal", type=click.Path(dir_okay=False), help="Keep what is done here; run again to go on.")
@remote_options
@json_option
def command(
    dataset: str, where: str | None, html: str | None, jobs: int, cases: int | None, headers_only: bool,
    variant: str | None, others: tuple[tuple[str, str], ...], journal: str | None,
    remote: bool, source: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Read the files of DATASET at WHERE and report what is wrong with them.

    Every image and mask is read: damaged files, masks beside their images, lost headers, values that no label
    explains, empty masks, broken intensities, images that are there twice. Exit code 1: something was found.

    With --remote --headers-only the headers are read where the dataset lies, and no image is fetched.

    \b
    medshelf audit msd-hippocampus Task04_Hippocampus --html report.html
    medshelf audit lits LITS17 --jobs 4 --journal lits.journal
    """
    from medshelf.audit.run import audit

    if remote and not headers_only:
        raise click.UsageError("--remote goes with --headers-only: to read every voxel is to fetch everything")
    at = place(dataset, where, remote, source)
    with progress("reading", None) as step:
        found = audit(
            dataset, at, variant=variant, others=dict(others), cases=cases, jobs=jobs, deep=not headers_only,
            journal=journal, progress=lambda *_: step(),
        )  # fmt: skip
    if html is not None:
        from medshelf.audit.report import write_report

        write_report(found, html)
        say(f"wrote {html}")
    if as_json:
        print_json(found.as_dict())
    else:
        click.secho(f"{found.dataset}: {found.verdict}", bold=True)
        click.echo(f"names: {found.names_verdict}")
        print_findings(found.findings, limit=20)
    tell_cost(at)
    say(f"{found.seconds:.1f} s")
    if not found.ok:
        raise SystemExit(1)
