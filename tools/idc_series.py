"""Make series.parquet anew: the rows that README.toml names, from a wheel of idc-index-data; and names.txt, of what
it has all rows.

Use: python tools/idc_series.py WHEEL
"""

from __future__ import annotations

import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parents[1] / "catalogue" / "idc"


def main(wheel: Path) -> None:
    """Write the file, and say how many rows it has of each collection."""
    about = tomllib.loads((HERE / "README.toml").read_text())
    name, version = about["package"].replace("-", "_").split("==")
    if not wheel.name.startswith(f"{name}-{version}-"):
        sys.exit(f"{wheel.name} is not {about['package']}, which README.toml names")
    place = HERE / "series.parquet"
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as packed, duckdb.connect() as index:
        whole = packed.extract(about["file"], folder)
        index.execute(f"CREATE VIEW whole AS SELECT {', '.join(about['columns'])} FROM read_parquet('{whole}')")
        index.execute(
            "CREATE VIEW chosen AS SELECT * FROM whole "
            f"WHERE list_contains({about['collections']!r}, collection_id) "
            f"OR list_contains({about['results']!r}, analysis_result_id)"
        )
        left_out = partial(index)
        facts = f"idc_version: '{about['version']}', partial: '{' '.join(left_out)}'"
        index.execute(
            f"COPY (SELECT * FROM chosen ORDER BY ALL) TO '{place}' (FORMAT parquet, COMPRESSION zstd, "
            f"COMPRESSION_LEVEL 19, ROW_GROUP_SIZE 1000000, PARQUET_VERSION v2, KV_METADATA {{{facts}}})"
        )
        counts = index.execute("SELECT collection_id, count(*) FROM chosen GROUP BY 1 ORDER BY 1").fetchall()
    write_names(place, left_out)
    for collection, count in counts:
        print(f"{count:8} {collection}")
    missing = set(about["collections"]) - {collection for collection, _ in counts}
    if missing:
        sys.exit(f"the index has no {', '.join(sorted(missing))}")


def write_names(place: Path, left_out: list[str]) -> None:
    """Write the names that references may use, one a line: collections, results of analyses, DOIs."""
    with duckdb.connect() as index:
        rows = index.execute(
            "SELECT DISTINCT unnest([collection_id, analysis_result_id, lower(source_DOI)]) FROM read_parquet(?)",
            [str(place)],
        ).fetchall()
    names = sorted({name for (name,) in rows if name and name not in left_out})
    place.with_name("names.txt").write_text("\n".join(names) + "\n")


def partial(index: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the collections, results and DOIs of which some rows are chosen, and not all.

    References to them are not answered from the file.
    """
    counted = "(SELECT {0} name, count(*) n FROM {1} WHERE {0} IS NOT NULL GROUP BY ALL)"
    found: list[str] = []
    for column in ("collection_id", "analysis_result_id", "source_DOI"):
        some, all_ = counted.format(column, "chosen"), counted.format(column, "whole")
        rows = index.execute(
            f"SELECT name FROM {some} a JOIN {all_} b USING (name) WHERE a.n < b.n ORDER BY 1"
        ).fetchall()
        found += [name for (name,) in rows]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
