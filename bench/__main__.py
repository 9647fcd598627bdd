"""Everything that is measured, one table after the other: `make bench`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = (
    ("Speed against onnx-asr's recipe and NeMo's transcribe()", ["bench.speed"]),
    ("The host's own work, overhead and memory", ["bench.flow"]),
    ("The router's probe of six hours", ["bench.probe"]),
    ("The router as a process", ["bench.router"]),
    ("Queue and records through Google's clients, on emulators", ["bench.google"]),
)


def main() -> int:
    """Run all parts; 0 when all of them ran."""
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    worst = 0
    for title, command in PARTS:
        print(f"\n== {title}\n", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
