"""Build the wheel, and try what is in it in an environment that has nothing else of this checkout.

    python -m tests.wheel                 # dist/, and a new environment with the dependencies from pip's usual sources

It prints the wheel's path. `tests/test_wheel.py` does the same with the dependencies of the running interpreter.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", "tests"
)

TRIAL = """
import dropscribe, dropscribe.here
note = dropscribe.here.__file__.removesuffix("here.py") + "bundled/samples/voice-note.opus"
print(dropscribe.transcribe(note, model="tiny", state_dir="state").words[0].text)
"""


def build(folder: Path, *, isolated: bool = False) -> Path:
    """The wheel of this checkout, built from a copy of it: a build leaves nothing behind here.

    Args:
        folder: where to put it.
        isolated: whether pip gets what a build takes; otherwise it is installed here.
    """
    with tempfile.TemporaryDirectory() as copy:
        source = shutil.copytree(ROOT, Path(copy, "source"), ignore=LEFT_OUT, symlinks=True)
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder)]
        said([*pip, *([] if isolated else ["--no-build-isolation"]), str(source)], Path(copy))
    (wheel,) = folder.glob("dropscribe-*.whl")
    return wheel


def environment(folder: Path, *, borrow: bool) -> Path:
    """The interpreter of a new virtual environment.

    Args:
        folder: where to make it.
        borrow: whether it sees the packages of this interpreter, but for those that are installed as they lie.
    """
    venv.create(folder, with_pip=not borrow, symlinks=True)
    python = folder / "bin" / "python"
    if borrow:
        places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        own = next(folder.glob("lib/python*/site-packages"))
        # Files named *.pth in these folders, which lead to checkouts, are not read.
        (own / "borrowed.pth").write_text("\n".join(sorted(places)), "utf-8")
    return python


def install(wheel: Path, python: Path, *, borrow: bool) -> None:
    """Install a wheel with pip."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    said([*pip, *(["--no-deps", "--ignore-installed"] if borrow else []), str(wheel)], wheel.parent)


def said(command: list[str], folder: Path) -> str:
    """What a command prints.

    Raises:
        AssertionError: it failed, with what it printed.
    """
    done = subprocess.run(
        command, cwd=folder, env=_environ(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def trial(python: Path, folder: Path) -> dict[str, str]:
    """What a user of the wheel does first, and what that prints."""
    command = str(python.parent / "dropscribe")
    return {
        "version": said([command, "--version"], folder),
        "module": said([str(python), "-m", "dropscribe", "--version"], folder),
        "doctor": said([command, "doctor", "--json"], folder),
        "import": said([str(python), "-c", TRIAL], folder),
        "demo": said([command, "demo", "--out", "out"], folder),
    }


def _environ(folder: Path) -> dict[str, str]:
    """The environment without what leads into this checkout."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "DROPSCRIBE", "VIRTUAL_ENV"))
    }
    return kept | {"DROPSCRIBE_STATE_DIR": str(folder / "state")}


def main() -> None:
    """Build into dist/ and try it."""
    out = ROOT / "dist"
    out.mkdir(exist_ok=True)
    for old in out.glob("dropscribe-*.whl"):
        old.unlink()
    wheel = build(out, isolated=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        python = environment(folder / "venv", borrow=False)
        install(wheel, python, borrow=False)
        print(trial(python, folder)["demo"])
    print(f"{wheel.relative_to(ROOT)} works: {wheel.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
