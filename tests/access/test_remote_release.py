"""A hundred gigabytes on a real server, judged from megabytes by the commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access import release


class Release:
    """The release on its server, and what commands say of it."""

    def __init__(self, catalogue: Path, cache: Path, env: dict[str, str]) -> None:
        self._env = {**env, "MEDSHELF_CATALOGUE": str(catalogue), "MEDSHELF_CACHE_DIR": str(cache)}

    def says(self, *line: str) -> tuple[dict, int, int]:
        """Run a command; return its JSON, bytes and requests that it cost."""
        command = [sys.executable, "-m", "medshelf", *line, "--remote", "--json"]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        cost = re.search(r"([\d.]+) (B|kB|MB) read from afar, in (\d+) requests", done.stderr)
        assert cost, done.stderr
        unit = {"B": 1, "kB": 1000, "MB": 1_000_000}[cost[2]]
        return json.loads(done.stdout), int(float(cost[1]) * unit), int(cost[3])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    import os

    tmp = tmp_path_factory.mktemp("release")
    with release.served(tmp) as (folder, url, _):
        size, n_members = release.write_release(folder)
        assert size > 99e9 and n_members > 1900
        names = sorted(p.name for p in folder.glob("*.zip"))
        catalogue = release.catalogue_of([f"{url}/{name}" for name in names], tmp / "catalogue")
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        yield Release(catalogue, tmp / "cache", env)


def test_check_names_the_missing_mask_for_a_megabyte(here: Release) -> None:
    told, size, requests = here.says("check", release.ID)
    assert told["n_cases"] == release.TRAIN + release.TEST
    assert "BRATS_077" in json.dumps(told)
    assert size < 500_000 and requests < 20


def test_audit_of_headers_finds_a_mask_of_another_shape(here: Release) -> None:
    told, size, requests = here.says("audit", release.ID, "--headers-only", "--cases", "20")
    assert told["n_cases"] == 20
    found = [json.dumps(one) for one in told["findings"]]
    assert any("BRATS_001" in one and "154" in one for one in found), found
    assert size < 1_500_000 and requests < 70


def test_a_series_costs_a_block_or_two_a_slice(tmp_path: Path) -> None:
    """500 slices of 2 MB each, of which only the beginnings are there."""
    import io
    import zipfile

    pydicom = pytest.importorskip("pydicom")
    from pydicom.data import get_testdata_file

    from medshelf.access.remote import open_remote
    from medshelf.access.web import Web
    from medshelf.formats.dicom.series import read_slices

    whole = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    whole.Rows, whole.Columns, whole.preamble = 1024, 1024, bytes(128)
    whole.PixelData = bytes(2 << 20)
    if "DataSetTrailingPadding" in whole:
        del whole.DataSetTrailingPadding
    with release.served(tmp_path) as (folder, url, _):
        with zipfile.ZipFile(folder / "series.zip", "w") as out:
            for n in range(500):
                whole.InstanceNumber, whole.SOPInstanceUID = n, f"1.2.3.{n}"
                whole.ImagePositionPatient = [0, 0, n]
                file = io.BytesIO()
                whole.save_as(file)
                head = file.getvalue()[: -(2 << 20)]
                release.holed(out, f"s/{n:04}.dcm", head, len(head) + (2 << 20))
        assert (folder / "series.zip").stat().st_size > 1e9
        tree = open_remote(f"{url}/series.zip", Web())
        found, _ = read_slices([tree.blob(f"series.zip!/s/{n:04}.dcm") for n in range(500)], 1)
        assert len(found) == 500 and {(s.rows, s.columns) for s in found} == {(1024, 1024)}
        assert tree.traffic.requests < 720
        assert tree.traffic.bytes < 500 * 2 * (1 << 14)
