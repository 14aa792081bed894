"""`medshelf links`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from medshelf.cli.output import json_option, print_json, print_table, progress, say


@click.command("links")
@click.argument("datasets", nargs=-1)
@click.option("--journal", type=click.Path(path_type=Path, dir_okay=False), help="File of dated results (JSON lines).")
@click.option("--fresh-days", type=float, default=7, show_default=True, help="How long a result counts.")
@click.option("--jobs", type=click.IntRange(1, 64), default=8, show_default=True, help="How many hosts at a time.")
@click.option("--homepages", is_flag=True, help="Only homepages and pages from which downloads start.")
@json_option
def command(
    datasets: tuple[str, ...], journal: Path | None, fresh_days: float, jobs: int, homepages: bool, as_json: bool
) -> None:
    """Follow the links of DATASETS, or of the whole catalogue, and say which are dead or have moved.

    Each host is asked one question at a time. What was asked lately is not asked again. Needs a network.
    """
    from medshelf.access.link_check import check_links
    from medshelf.catalogue import shelf
    from medshelf.catalogue.links import links_of

    records = [shelf.load(name) for name in datasets] or list(shelf.records())
    links = [link for record in records for link in links_of(record)]
    if homepages:
        links = [link for link in links if link.where in ("homepage", "landing")]
    place = journal or shelf.cache_folder() / "links.jsonl"
    urls = [link.url for link in links]
    with progress("links", len(set(urls))) as advance:
        results = check_links(urls, place, fresh_days=fresh_days, jobs=jobs, progress=advance)
    by_url = {one.url: one for one in results}
    bad = [link for link in links if by_url[link.url].state in ("moved", "gone", "unreachable")]
    if as_json:
        print_json([{"dataset": link.dataset, "where": link.where, **asdict(by_url[link.url])} for link in links])
    elif bad:
        head = ("dataset", "where", "state", "link", "now")
        rows = [(x.dataset, x.where, by_url[x.url].state, x.url, by_url[x.url].to or by_url[x.url].why) for x in bad]
        print_table(head, rows)
    counts = Counter(one.state for one in results)
    say(f"{len(results)} links: {', '.join(f'{n} {state}' for state, n in counts.most_common())}; results in {place}")
    if any(by_url[link.url].state in ("gone", "unreachable") for link in bad):
        raise SystemExit(1)
