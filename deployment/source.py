"""The sources of the images as one archive. Its name is a hash of its content, so the same sources are built once."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployment.target import ROOT
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BUILT_FROM = (
    *("Dockerfile.functions", "Dockerfile.gpu", "Dockerfile.console", "cloudbuild.yaml", "pyproject.toml"),
    *("requirements/", "README.md", "LICENSE", "NOTICE", "console/", "functions/", "gpu_job/", "shared/"),
    *("deployment/__init__.py", "deployment/api.py", "deployment/rollout/"),
    *("samples/voice-note.opus", "samples/truth/voice-note.opus.txt"),
    *("Dockerfile.functions.dockerignore", "Dockerfile.gpu.dockerignore", "Dockerfile.console.dockerignore"),
)
"""What the Dockerfiles copy; a change of anything else gives the same images."""

DIGITS = 12
"""Hexadecimal digits of the hash that name the sources."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The archive."""

    name: str
    """Hash of its content: tag of its images."""
    content: bytes
    """A tar, compressed with gzip."""


def archive(model: str, root: Path = ROOT) -> Source:
    """The sources of a checkout: its files as they stand, changed ones included.

    Other weights are another image of the same sources.

    Raises:
        ConfigurationError: it is not a checkout.
    """
    there = [one for one in BUILT_FROM if (root / one).exists()]
    try:
        listed = subprocess.run(
            [_git(), "ls-files", "-z", "--cached", "--others", "--exclude-standard", *there],
            cwd=root, capture_output=True, check=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"{root} is not a git checkout: deploy from a clone of the project."
        ) from error
    names = sorted({one for one in listed.stdout.split("\0") if one and (root / one).is_file()})
    return _packed(root, names, model)


def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise ConfigurationError("There is no git on this computer: install it and run it again.")
    return found


def _packed(root: Path, names: Iterable[str], model: str) -> Source:
    """The same bytes for the same files, wherever and whenever they are packed."""
    buffer, digest = io.BytesIO(), hashlib.sha256(model.encode() + b"\0")
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in names:
            content = (root / name).read_bytes()
            executable = bool((root / name).stat().st_mode & 0o100)
            digest.update(f"{name}\0{executable}\0{len(content)}\0".encode() + content)
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755 if executable else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return Source(name=digest.hexdigest()[:DIGITS], content=buffer.getvalue())
