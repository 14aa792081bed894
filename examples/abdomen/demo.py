"""The main job, end to end, without any download: what `make demo` runs.

It makes twins (small synthetic copies) of three abdominal CT datasets, then finds, checks, audits, builds and
looks, with the commands that a user would type. Nothing here proves anything about the real datasets.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "demo-out"
DATASETS = ("amos-2022", "btcv", "word")


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(*words: object, allowed: tuple[int, ...] = (0,)) -> None:
    """Run one command as a user would, showing it first; stop the demo when it goes wrong."""
    shown = [str(w) if " " not in str(w) else f'"{w}"' for w in words]
    print(f"$ medshelf {' '.join(shown)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "medshelf", *map(str, words)], cwd=OUT, check=False)
    if done.returncode not in allowed:
        raise SystemExit(f"this step failed with exit code {done.returncode}")


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    shutil.copy(HERE / "recipe.toml", OUT / "recipe.toml")

    say("1. Find: which open CT datasets have pancreas masks?")
    run("find", "--modality", "CT", "--structure", "pancreas")

    say("2. Twins: SYNTHETIC copies of three of them, since this demo downloads nothing.")
    for name in DATASETS:
        run("twin", name, f"data/{name}", "--cases", 4)

    say("3. Check: are all files there? (Twins hold a few cases, so they count as parts of the releases.)")
    for name in DATASETS:
        run("check", name, f"data/{name}", allowed=(0, 1))

    say("4. Audit: open every file and look.")
    for name in DATASETS:
        run("audit", name, f"data/{name}", "--html", f"audit-{name}.html", allowed=(0, 1))

    say("5. Build: one nnU-Net folder from all three, labels mapped, folds by patient.")
    run("build", "recipe.toml", "--data", "data", "--out", "nnUNet_raw")
    described = json.loads((OUT / "nnUNet_raw/Dataset501_AbdomenThree/dataset.json").read_text())
    print(json.dumps({k: described[k] for k in ("channel_names", "labels", "numTraining", "file_ending")}, indent=1))

    say("6. Look at a case.")
    run("view", "amos-2022", "data/amos-2022", "-o", "amos.png")

    say("Done. Everything is in demo-out/ (synthetic data, remember). Open these:")
    for file in ("nnUNet_raw/Dataset501_AbdomenThree/report.html", "audit-amos-2022.html", "amos.png"):
        print(f"  {OUT / file}")
    say("With real data it is the same lines. Download a release, then:")
    for line in (
        "medshelf show amos-2022                      # licence, how to get it, what is known to be wrong",
        "medshelf identify ~/Downloads/amos22.zip     # which dataset, which repackaging",
        "medshelf check amos-2022 ~/Downloads/amos22.zip",
        "medshelf audit amos-2022 ~/data/amos22 --html audit.html",
        "medshelf build recipe.toml --data ~/data --out $nnUNet_raw",
    ):
        print(f"  {line}")


if __name__ == "__main__":
    main()
