"""What `pyproject.toml` cannot say: a wheel has the demo's weights and recordings inside the package `dropscribe`.

`shared/bundled.py` finds them there, and in a checkout where they lie.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUNDLED = (
    *(f"models/tiny-tdt/{one}" for one in ("*.json", "*.onnx", "*.nemo", "vocab.txt")),
    *("samples/*.flac", "samples/*.m4a", "samples/*.mp3", "samples/*.mp4", "samples/*.opus"),
    "samples/truth/*.txt",
)


class WithDemo(build_py):
    """Copies them too, unless a checkout is installed as it lies."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        root = Path(__file__).parent
        for path in sorted(one for pattern in BUNDLED for one in root.glob(pattern)):
            target = Path(self.build_lib, "dropscribe", "bundled", path.relative_to(root))
            self.mkpath(str(target.parent))
            self.copy_file(str(path), str(target))


setup(cmdclass={"build_py": WithDemo})
