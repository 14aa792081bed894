"""A release of a hundred gigabytes that takes a few megabytes: members that are holes in a file, in zips of zip64."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.access.faults.real import real_server
from tests.access.ranges import serving
from tests.conftest import REPO

SHAPE = (240, 240, 155)
ID = "msd-brain-tumour"
ROOT = "Task01_BrainTumour"
TRAIN, TEST = 484, 266
IMAGE_BYTES = 133_000_000


def holed(out: zipfile.ZipFile, name: str, head: bytes, size_bytes: int) -> None:
    """Add a stored member that begins with `head` and goes on as a hole; its CRC is not that of its bytes."""
    stream = out.fp
    assert stream is not None
    stream.seek(out.start_dir)
    about = zipfile.ZipInfo(name)
    about.file_size = about.compress_size = size_bytes
    about.CRC, about.header_offset = 0, stream.tell()
    stream.write(about.FileHeader(zip64=False) + head)
    out.start_dir = stream.seek(size_bytes - len(head), io.SEEK_CUR)
    out.filelist.append(about)
    out.NameToInfo[name] = about


def nifti_start(shape: tuple[int, ...], dtype: type = np.int16) -> bytes:
    """Return a NIfTI header and a few voxels, as gzip that is not at its end."""
    import nibabel

    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(dtype)
    header.set_sform(np.diag([1.0, 1.0, 1.0, 1]), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    noise = np.random.default_rng(len(shape)).bytes(20_000)
    return packer.compress(header.binaryblock + bytes(4) + noise) + packer.flush(zlib.Z_SYNC_FLUSH)


def write_release(folder: Path) -> tuple[int, int]:
    """Write the release as three zips, with two faults; return its bytes, as they seem, and the number of members.

    BRATS_077 has no mask, and that of the first case another shape.
    """
    image = nifti_start((*SHAPE, 4))
    mask = gzip.compress(_nifti(SHAPE), 1)
    odd = gzip.compress(_nifti((240, 240, 154)), 1)
    meta = {"training": [{"image": f"./imagesTr/BRATS_{n:03}.nii.gz", "label": f"./labelsTr/BRATS_{n:03}.nii.gz"}
                         for n in range(1, TRAIN + 1)]}  # fmt: skip
    n_members, parts = 0, [range(1, 301), range(301, 601), range(601, TRAIN + TEST + 1)]
    for letter, numbers in zip("abc", parts, strict=True):
        with zipfile.ZipFile(folder / f"{ROOT}_{letter}.zip", "w", zipfile.ZIP_DEFLATED) as out:
            if letter == "a":
                out.writestr(f"{ROOT}/dataset.json", json.dumps(meta))
            for n in numbers:
                split = "Tr" if n <= TRAIN else "Ts"
                holed(out, f"{ROOT}/images{split}/BRATS_{n:03}.nii.gz", image, IMAGE_BYTES)
                out.writestr(f"{ROOT}/images{split}/._BRATS_{n:03}.nii.gz", b"\0\5\x16\7" + bytes(200))
                if split == "Tr" and n != 77:
                    out.writestr(f"{ROOT}/labels{split}/BRATS_{n:03}.nii.gz", odd if n == 1 else mask)
            n_members += len(out.filelist)
    return sum(p.stat().st_size for p in folder.glob("*.zip")), n_members


def _nifti(shape: tuple[int, ...]) -> bytes:
    import nibabel

    return nibabel.Nifti1Image(np.zeros(shape, np.uint8), np.eye(4)).to_bytes()


def catalogue_of(addresses: list[str], folder: Path) -> Path:
    """Return a copy of the catalogue in which the dataset lies at these addresses."""
    shutil.copytree(REPO / "catalogue", folder, ignore=lambda at, names: [
        name for name in names if Path(at).name == "datasets" and name != ID or name == "idc"
    ])  # fmt: skip
    files = "".join(f'[[files]]\nname = "{url.rpartition("/")[2]}"\nurl = "{url}"\nsources = ["monai"]\n\n'
                    for url in addresses)  # fmt: skip
    place = folder / "datasets" / ID / "access.toml"
    text = place.read_text(encoding="utf-8").replace('["google-drive", "aws"]', '["project-site"]')
    place.write_text(text[: text.index("[[files]]")] + files, encoding="utf-8")
    return folder


@contextmanager
def served(tmp: Path) -> Iterator[tuple[Path, str, str]]:
    """Serve a folder from nginx, or the standard library where there is none: the folder, its address, the server."""
    with real_server(tmp / "server") as real:
        if real.name.startswith("nginx"):
            yield tmp / "server" / "www", real.url, real.name
            return
    (tmp / "www").mkdir()
    with serving(tmp / "www") as found:
        yield found.folder, found.url, "http.server"
