"""The weights that Dropscribe knows by name: what they are, where they come from, and their digests.

Every file is pinned by commit, length and SHA-256, so that what runs is what was pinned, whatever is pushed to those
repositories later. `catalogue.json` has lengths and digests as the hub lists them for these commits: it records the
SHA-256 of each large file; the two small ones were hashed after a download.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from shared import languages
from shared.bundled import bundled

Kind = Literal["onnx", "nemo"]
"""Two forms of the same weights: `onnx` for CPUs, `nemo` for GPUs."""

TINY = "tiny"
FILES = ("config.json", "vocab.txt", "encoder-model.onnx", "decoder_joint-model.onnx")
"""What a folder with an ONNX export must hold."""
BUNDLED = bundled("models/tiny-tdt")
SMALLER = (
    "nvidia/parakeet-tdt_ctc-110m is published at about four times the speed of 0.6B on a CPU, for some 0.2 points of "
    "word error rate; it is not pinned here, so it runs as an export of your own"
)
"""Which weights suit recordings in English on processors, for a person; how to get them: docs/models.md."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file of a release."""

    name: str
    """Within the repository."""
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Weights in one form, as they were published once."""

    kind: Kind
    """Which form."""
    repository: str | None
    """On the model hub; None for bundled weights."""
    commit: str
    """Commit of the repository; empty for bundled weights."""
    files: tuple[File, ...]
    """All of them, the large ones last."""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)

    @property
    def folder(self) -> Path:
        """Where the files belong: in this repository, or in the cache of the hub's client."""
        if self.repository is None:
            return BUNDLED
        from huggingface_hub import constants  # noqa: PLC0415 - half a second, only if needed
        from huggingface_hub.file_download import repo_folder_name  # noqa: PLC0415 - see above

        name = repo_folder_name(repo_id=self.repository, repo_type="model")
        return Path(constants.HF_HUB_CACHE) / name / "snapshots" / self.commit

    @property
    def path(self) -> Path:
        """What an engine loads: the folder of an ONNX export, or the `.nemo` file."""
        return self.folder if self.kind == "onnx" else self.folder / self.files[-1].name

    def on_disk(self) -> Path | None:
        """`path` if every file is here in full length, else None. Uses no network."""
        folder = self.folder
        here = all(_size(folder / file.name) == file.size for file in self.files)
        return self.path if here else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """One set of weights known by name."""

    name: str
    """What a person writes after `--model`."""
    about: str
    """One sentence."""
    licence: str
    """SPDX identifier."""
    owner: str
    """Who made them."""
    onnx: Release
    """For CPUs."""
    nemo: Release
    """For GPUs."""

    @property
    def languages(self) -> tuple[str, ...]:
        """BCP-47 codes."""
        return languages.WEIGHTS[self.name]

    @property
    def language(self) -> str | None:
        """The one language they know, or None where they know several."""
        return self.languages[0] if len(self.languages) == 1 else None

    def release(self, kind: Kind) -> Release:
        """Their release in one form."""
        return self.onnx if kind == "onnx" else self.nemo

    def pulled(self, release: Release) -> int:
        """Bytes of all that is fetched with a release: nothing else is."""
        return release.size

    def otherwise(self, release: Release) -> str:
        """What to do without a release, for the end of a sentence."""
        thing = "folder with an ONNX export" if release.kind == "onnx" else ".nemo file"
        return (
            f"or name a {thing} as the model; or try the flow with --model {TINY}, a demo that knows some 160 words of "
            "synthetic English and no human speech"
        )


def catalogue() -> tuple[Weights, ...]:
    """All weights known by name. `on_disk()` of a release tells whether it is here, without the network."""
    return _KNOWN


def by_name(name: str) -> Weights | None:
    """The weights of that name, if they are in the catalogue; with `languages.INT8` at its end those of which it is a form."""
    return next((weights for weights in _KNOWN if weights.name == name.removesuffix(languages.INT8)), None)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


_KNOWN = msgspec.json.decode(Path(__file__).with_suffix(".json").read_bytes(), type=tuple[Weights, ...])
