"""plan, get, add and doctor as commands: what they print, ask and exit with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import medshelf
from medshelf.access.download import read_lock
from tests.access.hosts.fake import Reply
from tests.cli.conftest import Run
from tests.fetch.hosts import FILES, Zenodo, serving
from tests.fetch.test_plan import NUMBER, OPEN


def test_plan_says_files_licence_and_place_without_a_network(run: Run) -> None:
    done = run("plan", "bbbc039", "--offline")
    assert done.code == 0
    for said in ("open download", "images.zip", "77.9 MB", "sha256", "3 of 3 files, 80.7 MB"):
        assert said in done.out
    told = json.loads(run("plan", "bbbc039", "lits", "--offline", "--json").out)
    assert [one["dataset"] for one in told] == ["bbbc039", "lits"]
    assert told[0]["bytes_to_fetch"] == 80687375
    assert told[1]["steps"][-1] == "Put the files into a folder, then: medshelf add lits FOLDER"


def test_plan_writes_lists_for_other_programs(run: Run) -> None:
    done = run("plan", "msd-spleen", "--offline", "--format", "urls")
    assert (done.code, done.out) == (0, "https://msd-for-monai.s3-us-west-2.amazonaws.com/Task09_Spleen.tar\n")
    refused = run("plan", "lits", "--offline", "--format", "aria2")
    assert refused.code == 3
    assert "1. Open https://competitions.codalab.org" in refused.err


def test_places(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def folders(*arguments: object) -> list[str]:
        return [one["folder"] for one in json.loads(run("plan", *arguments, "--offline", "--json").out)]

    monkeypatch.delenv("MEDSHELF_DATA", raising=False)
    assert folders("bbbc039") == ["bbbc039"]
    assert folders("bbbc039", "--to", tmp_path) == [str(tmp_path)]
    assert folders("bbbc039", "lits", "--to", tmp_path) == [str(tmp_path / "bbbc039"), str(tmp_path / "lits")]
    monkeypatch.setenv("MEDSHELF_DATA", str(tmp_path))
    assert folders("bbbc039", "lits") == [str(tmp_path / "bbbc039"), str(tmp_path / "lits")]


def test_get_fetches_once_and_says_what_is_next(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Zenodo(NUMBER)
    with serving(host, monkeypatch):
        dry = run("get", OPEN, "--to", tmp_path / "to", "--dry-run")
        assert dry.code == 0 and "large.bin" in dry.out and not (tmp_path / "to").exists()
        done = run("get", OPEN, "--to", tmp_path / "to")
        assert done.code == 0, done.err
        assert f"Next: medshelf check {OPEN} {tmp_path / 'to'}" in done.err
        assert set(read_lock(tmp_path / "to")) == set(FILES)
        n_asked = len(host.bytes_asked)
        again = run("get", OPEN, "--to", tmp_path / "to", "--json")
        assert (again.code, json.loads(again.out)[0]["received_bytes"]) == (0, 0)
        assert len(host.bytes_asked) == n_asked
    away = run("get", OPEN, "--to", tmp_path / "to", "--offline")
    assert away.code == 0 and "nothing had to come" in away.err


def test_much_is_not_fetched_unasked(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Zenodo(NUMBER)
    host.sizes = {"large.bin": 2_345_678_901}
    with serving(host, monkeypatch):
        done = run("get", OPEN, "--to", tmp_path / "to")
    assert done.code == 2
    assert "2.35 GB are to be fetched, and there is nobody to ask. Say that it is meant: --yes" in done.err
    assert host.bytes_asked == []


def test_gates_come_before_the_first_byte_of_any_dataset(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Zenodo(NUMBER, restricted=True)
    with serving(host, monkeypatch):
        done = run("get", OPEN, "--to", tmp_path / "to")
        assert done.code == 3
        assert "https://zenodo.org/records/" in done.err and f"medshelf get {OPEN}" in done.err
    host = Zenodo("3874362")  # bf-tma: its licence is not known
    with serving(host, monkeypatch):
        done = run("get", "bf-tma", "--to", tmp_path / "to")
        assert done.code == 3
        assert "--accept-licence unknown" in done.err
        by_hand = run("get", "bf-tma", "lits", "--to", tmp_path / "to", "--accept-licence", "unknown")
        assert by_hand.code == 3
        assert "Register on CodaLab" in by_hand.err
    assert host.bytes_asked == []
    assert run("get", "nonsense").code == 5


def test_the_worst_failure_gives_the_code(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Zenodo(NUMBER)
    host.fault = lambda ask, reply: Reply(404, b"") if "/readme.txt" in ask.path else reply
    with serving(host, monkeypatch):
        done = run("get", OPEN, "--to", tmp_path)
    assert done.code == 5
    assert "readme.txt" in done.err and "Run the same line again" in done.err
    assert (tmp_path / "table.csv").read_bytes() == FILES["table.csv"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interrupt_is_130_and_the_same_line_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 40_000
    host = Zenodo(NUMBER, {"large.bin": data})
    line = [sys.executable, "-m", "medshelf", "get", OPEN, "--to", str(tmp_path)]
    with serving(host, monkeypatch):
        child = subprocess.Popen([*line, "--limit-rate", "4M"], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        give_up = time.monotonic() + 30
        while not (tmp_path / "large.bin.part").exists() and time.monotonic() < give_up and child.poll() is None:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        assert (child.returncode, b"Traceback" in said) == (130, False), said
        assert b"run it again to continue" in said
        assert not (tmp_path / "large.bin").exists()
        done = subprocess.run(line, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "large.bin").read_bytes() == data
    starts = [ask.headers.get("range", "") for ask in host.asked if "/files/" in ask.path]
    assert any(start not in ("", "bytes=0-", "bytes=0-0") for start in starts), starts


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
@pytest.mark.parametrize(("size", "answer", "code"), [(2_345_678_901, b"n\n", 2), (None, b"", 0)])
def test_at_a_terminal_a_person_is_asked_and_sees_a_bar(
    size: int | None, answer: bytes, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pty

    host = Zenodo(NUMBER, {"large.bin": bytes(3_000_000)})
    host.sizes = {"large.bin": size} if size else {}
    master, terminal = pty.openpty()
    os.write(master, answer)
    with serving(host, monkeypatch):
        line = [sys.executable, "-m", "medshelf", "get", OPEN, "--to", str(tmp_path)]
        child = subprocess.Popen(line, stdin=terminal, stderr=terminal, stdout=subprocess.PIPE)
        os.close(terminal)
        said = bytearray()
        with suppress(OSError):  # the terminal ends with the child
            while piece := os.read(master, 4096):
                said += piece
        assert child.stdout is not None
        child.stdout.read()
        assert child.wait(timeout=30) == code, said
        child.stdout.close()
    os.close(master)
    assert (b"Fetch 2.35 GB?" in said) == bool(size)
    assert (b"MB/s" in said) == (size is None)
    assert (tmp_path / "large.bin").exists() == (size is None)


@pytest.mark.parametrize("rate", ["fast", "0", "-3", "10X"])
def test_a_rate_that_is_none_is_usage(run: Run, rate: str) -> None:
    assert run("get", OPEN, "--offline", "--limit-rate", rate).code == 2


def test_add_adopts_and_tells_what_is_cut(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    with serving(Zenodo(NUMBER), monkeypatch):
        done = run("add", OPEN, tmp_path)
        assert (done.code, "3 proved by a checksum" in done.out) == (0, True)
        (tmp_path / "large.bin").write_bytes(FILES["large.bin"][:99])
        done = run("add", OPEN, tmp_path)
        assert done.code == 4
        assert "it ends at byte 99 of 3,072,000" in done.out
        assert f"medshelf get {OPEN} --to {tmp_path}" in done.err
        told = json.loads(run("add", OPEN, tmp_path, "--json").out)
    assert [doubt["kind"] for doubt in told["doubts"]] == ["cut"]
    assert run("add", OPEN, tmp_path / "nowhere").code == 5


def test_check_and_audit_look_from_afar(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    medshelf.twin("rfmid-2", tmp_path / "twin", cases=2)
    packed = shutil.make_archive(str(tmp_path / "RFMiD2_0"), "zip", tmp_path / "twin")
    with serving(Zenodo("7505822", {"RFMiD2_0.zip": Path(packed).read_bytes()}), monkeypatch):
        done = run("check", "rfmid-2", "--remote", "--json")
        here = json.loads(run("check", "rfmid-2", packed, "--json").out)
        afar = json.loads(done.out)
        assert afar["n_cases"] == here["n_cases"] > 0
        assert "read from afar" in done.err
        audit = run("audit", "rfmid-2", "--remote", "--headers-only", "--json")
        told = json.loads(audit.out)
        assert told["n_cases"] == here["n_cases"], told
        assert run("audit", "rfmid-2", "--remote").code == 2
    for line in (["check", "rfmid-2"], ["check", "rfmid-2", "x", "--remote"], ["check", "rfmid-2", "x", "--from", "y"]):
        assert run(*line).code == 2
    refused = run("check", "lits", "--remote")
    assert refused.code == 3 and "Register on CodaLab" in refused.err


@pytest.mark.parametrize(("extra", "module"), [("7z", "py7zr"), ("rar", "rarfile")])
def test_unpacking_without_its_package_names_the_extra(
    extra: str, module: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.access import made

    path = {"7z": made.sevenzip, "rar": made.rar}[extra](tmp_path / f"a.{extra}", {"x": b"1"})
    monkeypatch.setitem(sys.modules, module, None)
    with serving(Zenodo(NUMBER, {path.name: path.read_bytes()}), monkeypatch):
        done = run("get", OPEN, "--to", tmp_path / "to", "--unpack")
    assert done.code == 2
    assert (tmp_path / "to" / path.name).exists()
    assert path.name in done.err and f"pip install 'medshelf[{extra}]'" in done.err, done.err


def test_doctor_looks_around(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    done = run("doctor", "--offline")
    assert done.code == 0, done.out
    assert "Hugging Face" in done.out
    signs = json.loads(run("doctor", "--offline", "--json").out)
    assert {"subject", "name", "state", "said"} == set(signs[0])
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    assert run("doctor", "--offline").code == 1
