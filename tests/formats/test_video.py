"""Films: frame n is the nth that is displayed, whatever the codec, the container and the order of storage.

Every frame has its number written in it in eight blocks, black or white. ``films/`` holds films that FFmpeg wrote
with libx264 from such frames: groups of odd lengths with frames stored out of order.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medshelf import formats
from medshelf.access.tree import open_tree
from medshelf.errors import FormatError, NotFound, Truncated, Unsupported
from medshelf.formats import video
from medshelf.formats.video import capture, container
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

FILMS = Path(__file__).parent / "films"
N = 53
HEIGHT, WIDTH = 64, 96


def numbered(n: int) -> np.ndarray:
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for bit in range(8):
        frame[8:40, bit * 12 : (bit + 1) * 12] = 255 if n >> bit & 1 else 0
    frame[40:, :, 1] = n * 37 % 256
    return frame


def number(frame: np.ndarray) -> int:
    return sum(1 << bit for bit in range(8) if frame[12:36, bit * 12 + 2 : bit * 12 + 10].mean() > 127)


def film(path: Path, codec: str, frames: int = N) -> LocalFile:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec), 25.0, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for n in range(frames):
        writer.write(numbered(n)[..., ::-1].copy())
    writer.release()
    return LocalFile(path)


KINDS = [
    ("MJPG", ".avi"), ("XVID", ".avi"), ("mpg2", ".avi"), ("FFV1", ".avi"), ("mp4v", ".mp4"), ("mp4v", ".m4v"),
    ("mp4v", ".mov"), ("mp4v", ".mkv"), ("mpg2", ".mkv"), ("mpg2", ".mpg"), ("PIM1", ".mpg"), ("VP80", ".webm"),
    ("WMV2", ".wmv"),
]  # fmt: skip
"""MPEG-2 (mpg2) as OpenCV writes it has frames that are stored out of order (B-frames)."""


@pytest.mark.parametrize(("codec", "ending"), KINDS, ids=[c + e for c, e in KINDS])
def test_frame_n_is_the_nth(tmp_path: Path, codec: str, ending: str) -> None:
    blob = film(tmp_path / f"a{ending}", codec)
    assert [number(frame) for frame in video.frames(blob)] == list(range(N))
    assert [number(frame) for frame in video.frames(blob, 5, 40, 7)] == list(range(5, 40, 7))
    assert [number(video.read_frame(blob, n)) for n in (0, 1, 12, 13, 37, N - 1)] == [0, 1, 12, 13, 37, N - 1]
    for n in (-1, N):
        with pytest.raises(NotFound, match=f"no frame {n}"):
            video.read_frame(blob, n)
    header, volume = formats.read_header(blob), formats.read(blob)
    assert header.shape == volume.shape == (N, HEIGHT, WIDTH, 3)
    assert (header.axes, header.dtype, header.meta["fps"]) == ("tyxc", "uint8", 25.0)
    assert [number(frame) for frame in volume.array] == list(range(N))


@pytest.mark.parametrize(
    ("name", "shown", "counted"),
    [("b-frames.mp4", range(N), False), ("edit-list.mp4", range(10, N), True), ("rotated.mp4", range(N), False)],
)
def test_films_of_another_program(name: str, shown: range, counted: bool) -> None:
    blob = LocalFile(FILMS / name)
    assert [number(frame) for frame in video.frames(blob)] == list(shown)
    assert [number(video.read_frame(blob, n)) for n in (0, 7, 20)] == [shown[0], shown[7], shown[20]]
    header = video.read_header(blob)
    assert header.shape == video.read(blob).shape == (len(shown), HEIGHT, WIDTH, 3)
    assert header.meta["counted"] is counted


def test_rotation_is_told_and_not_applied() -> None:
    assert video.read_header(LocalFile(FILMS / "rotated.mp4")).meta["rotation_deg"] == 270
    assert video.read_header(LocalFile(FILMS / "b-frames.mp4")).meta["rotation_deg"] == 0


def test_colours_are_red_green_blue(tmp_path: Path) -> None:
    frames = np.zeros((3, 16, 16, 3), np.uint8)
    frames[..., 0] = 200
    for ending in (".avi", ".mkv"):
        video.write(tmp_path / f"a{ending}", Volume(frames, "tyxc", meta={"fps": 10}))
        volume = video.read(LocalFile(tmp_path / f"a{ending}"))
        np.testing.assert_array_equal(volume.array, frames)
        assert volume.meta["fps"] == 10


def test_members_of_an_archive_read_the_same_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film(tmp_path / "a.mp4", "mp4v")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.mp4", "d/a.mp4")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    blob = open_tree(tmp_path / "a.zip").blob("d/a.mp4")
    assert number(video.read_frame(blob, 20)) == 20
    some = video.frames(blob)
    assert [number(next(some)), number(next(some))] == [0, 1]
    some.close()  # type: ignore[attr-defined]
    assert not list(scratch.iterdir())


def test_a_long_film_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = film(tmp_path / "a.avi", "MJPG")
    monkeypatch.setattr(video, "LIMIT_BYTES", N * HEIGHT * WIDTH * 3 - 1)
    with pytest.raises(Unsupported, match=r"frames\(blob"):
        video.read(blob)
    assert number(video.read_frame(blob, 50)) == 50
    monkeypatch.setattr(capture, "FRAME_LIMIT_BYTES", HEIGHT * WIDTH * 3 - 1)
    with pytest.raises(Unsupported, match="no possible size"):
        video.read_frame(blob, 50)


@pytest.mark.parametrize(("codec", "ending"), [("MJPG", ".avi"), ("mp4v", ".mkv"), ("WMV2", ".wmv")])
def test_a_film_cut_short_is_truncated(tmp_path: Path, codec: str, ending: str) -> None:
    data = film(tmp_path / f"a{ending}", codec).read_bytes()
    for part in (3, 5, 7):
        (tmp_path / f"b{ending}").write_bytes(data[: len(data) * part // 8])
        for read in (video.read_header, video.read, lambda b: video.read_frame(b, 0)):
            with pytest.raises(Truncated, match="cut short"):
                read(LocalFile(tmp_path / f"b{ending}"))


def test_a_film_without_its_index_says_so(tmp_path: Path) -> None:
    data = film(tmp_path / "a.mp4", "mp4v").read_bytes()
    place = data.index(b"moov") - 4
    (tmp_path / "b.mp4").write_bytes(data[:place])
    with pytest.raises(FormatError, match="no index"):
        video.read(LocalFile(tmp_path / "b.mp4"))


def test_a_film_that_states_another_number_is_not_read_as_if_whole(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "a.avi", "MJPG").read_bytes())
    place = data.index(b"strh") + 8 + 32  # dwLength
    data[place : place + 4] = (60).to_bytes(4, "little")
    (tmp_path / "b.avi").write_bytes(data)
    with pytest.raises(FormatError, match="53 decoded, 60 stated"):
        video.read(LocalFile(tmp_path / "b.avi"))
    assert len(list(video.frames(LocalFile(tmp_path / "b.avi")))) == N


@pytest.mark.parametrize(
    "data",
    [
        b"#EXTM3U\n#EXTINF:1,\nother.mp4\n",
        b"ffconcat version 1.0\nfile other.mp4\n",
        b"RTSPtext\nrtsp://example.org/a\n",
        b"<smil><video src='other.mp4'/></smil>",
    ],
)
def test_a_playlist_leads_nowhere(tmp_path: Path, data: bytes) -> None:
    film(tmp_path / "other.mp4", "mp4v")
    (tmp_path / "a.mp4").write_bytes(data)
    for read in (video.read_header, video.read, lambda b: list(video.frames(b))):
        with pytest.raises(FormatError, match="no film"):
            read(LocalFile(tmp_path / "a.mp4"))


def test_nothing_is_read_before_a_frame_is_asked_for(tmp_path: Path) -> None:
    asked = video.frames(LocalFile(tmp_path / "gone.mp4"))
    with pytest.raises(NotFound, match="gone"):
        next(asked)
    with pytest.raises(ValueError, match="forwards"):
        video.frames(LocalFile(tmp_path / "gone.mp4"), 5, 2, -1)
    assert list(video.frames(LocalFile(tmp_path / "gone.mp4"), 5, 5)) == []


def test_what_a_film_cannot_hold_is_refused(tmp_path: Path) -> None:
    for array, axes in [(np.zeros((2, 8, 8), np.uint8), "nyx"), (np.zeros((2, 8, 8, 3), np.uint16), "tyxc")]:
        with pytest.raises(Unsupported):
            video.write(tmp_path / "a.avi", Volume(array, axes))


def test_opencv_links_no_gpl_codec() -> None:
    """The FFmpeg that is loaded says that it is under the LGPL: it was configured without GPL parts."""
    told = cv2.getBuildInformation()
    assert "FFMPEG:" in told
    libraries = sorted((Path(cv2.__file__).parent.parent / "opencv_python_headless.libs").glob("libavcodec*"))
    if not libraries:
        pytest.skip("this wheel of OpenCV keeps its FFmpeg elsewhere")
    for library in libraries:
        data = library.read_bytes()
        assert b"libavcodec license: LGPL" in data
        assert b"--enable-gpl" not in data and b"libx264.so" not in data and b"libx265.so" not in data


def test_damaged_films_give_errors_of_ours(survives_damage: Any, tmp_path: Path) -> None:
    for codec, ending in [("MJPG", ".avi"), ("mp4v", ".mp4"), ("VP80", ".webm"), ("mpg2", ".mpg")]:
        data = film(tmp_path / f"good{ending}", codec, 12).read_bytes()
        survives_damage(video.read, data, f"a{ending}")
        survives_damage(lambda b: video.read_frame(b, 5), data, f"a{ending}", 30)


def test_the_container_is_told_by_its_bytes() -> None:
    for head in (b"", b"\0" * 512, b"RIFF\0\0\0\0WEBP", b"RIFF\0\0\0\0WAVE", b"\x89PNG"):
        assert container.kind_of(head) is None
