"""Everything that is measured, one table after the other: `make bench`.

python -m bench                  all of it
python -m bench wer --help       one part, with its own options (make bench ARGS="wer --generated 20")
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = (
    ("An hour of speech, against NeMo's own ways and onnx-asr's", ["bench.engines.speed"]),
    ("A thousand short files, against the same", ["bench.engines.speed", "--bag", "1000"]),
    ("The worker over its engine alone", ["bench.worker"]),
    ("The real size with random weights, on a GPU", ["bench.engines.real_size"]),
    ("The host's own work, overhead and memory", ["bench.flow"]),
    ("The worker's host work beside a fast GPU", ["bench.keeps_up"]),
    ("Telemetry on against off", ["bench.telemetry"]),
    ("The router's probe of six hours", ["bench.probe"]),
    ("The router as a process", ["bench.router"]),
    ("Queue and records through Google's clients, on emulators", ["bench.google"]),
    ("The console's server", ["bench.page.console"]),
    ("The page in a browser", ["bench.page.console_page"]),
    ("What is heard against the word that is highlighted", ["bench.page.console_sound"]),
    ("Many recordings at once", ["bench.load", "--sizes", "300", "1000", "--google", "0"]),
    ("Searches in fifty million words", ["bench.search"]),
    ("Twelve hours of voices, clustered", ["bench.accuracy.clustering"]),
    ("Who speaks when", ["bench.accuracy.speakers"]),
    ("Word error rates in one piece and in chunks", ["bench.accuracy.wer"]),
)


def main() -> int:
    """Run all parts, or the one that is named; 0 when all of them ran."""
    if sys.argv[1:2] in (["-h"], ["--help"]):
        print(f"{__doc__}\nThe parts: {', '.join(_modules())}.")
        return 0
    if sys.argv[1:]:
        return _one(sys.argv[1], sys.argv[2:])
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    worst = 0
    for title, command in PARTS:
        print(f"\n== {title}\n", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode)
    return worst


def _modules() -> dict[str, str]:
    """The module of each part, by the name that a person gives it."""
    return {command[0].rpartition(".")[2].replace("_", "-"): command[0] for _, command in PARTS}


def _one(part: str, options: list[str]) -> int:
    modules = _modules()
    if part not in modules:
        print(f"There is no benchmark {part!r}. There are: {', '.join(modules)}.", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", modules[part], *options]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
