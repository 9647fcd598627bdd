"""The weights that Dropscribe knows by name: what they are, where they come from, and their digests.

Every file is pinned by commit, length and SHA-256, so that what runs is what was pinned, whatever is pushed to those
repositories later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["onnx", "nemo"]
"""Two forms of the same weights: `onnx` for CPUs, `nemo` for GPUs."""

TINY = "tiny"
FILES = ("config.json", "vocab.txt", "encoder-model.onnx", "decoder_joint-model.onnx")
"""What a folder with an ONNX export must hold."""
BUNDLED = Path(__file__).resolve().parents[2] / "models" / "tiny-tdt"


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
    """Of the repository; empty for bundled weights."""
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
    languages: tuple[str, ...]
    """BCP-47 codes."""
    onnx: Release
    """For CPUs."""
    nemo: Release
    """For GPUs."""

    @property
    def language(self) -> str | None:
        """The one language they know, or None where they know several."""
        return self.languages[0] if len(self.languages) == 1 else None

    def release(self, kind: Kind) -> Release:
        """Their release in one form."""
        return self.onnx if kind == "onnx" else self.nemo


def catalogue() -> tuple[Weights, ...]:
    """All weights known by name. `on_disk()` of a release tells whether it is here, without the network."""
    return _KNOWN


def by_name(name: str) -> Weights | None:
    """The weights of that name, if they are in the catalogue."""
    return next((weights for weights in _KNOWN if weights.name == name), None)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


_EUROPEAN = (
    "bg", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "el", "hu", "it",
    "lv", "lt", "mt", "pl", "pt", "ro", "ru", "sk", "sl", "es", "sv", "uk",
)  # fmt: skip

# Lengths and digests as the hub lists them for these commits: it records the SHA-256 of each large file; the two small
# ones were hashed after a download.
_CONFIG = File(
    name="config.json",
    size=97,
    sha256="666903c76b9798caf2c210afd4f6cd60b08a8dbf9800ec8d7a3bc0d2148ac466",
)

_KNOWN = (
    Weights(
        name="nvidia/parakeet-tdt-0.6b-v3",
        about="NVIDIA Parakeet v3: 25 European languages, found out by itself.",
        licence="CC-BY-4.0",
        owner="NVIDIA",
        languages=_EUROPEAN,
        onnx=Release(
            kind="onnx",
            repository="istupakov/parakeet-tdt-0.6b-v3-onnx",
            commit="8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce",
            files=(
                _CONFIG,
                File(
                    name="vocab.txt",
                    size=93_939,
                    sha256="d58544679ea4bc6ac563d1f545eb7d474bd6cfa467f0a6e2c1dc1c7d37e3c35d",
                ),
                File(
                    name="encoder-model.onnx",
                    size=41_770_866,
                    sha256="98a74b21b4cc0017c1e7030319a4a96f4a9506e50f0708f3a516d02a77c96bb1",
                ),
                File(
                    name="decoder_joint-model.onnx",
                    size=72_520_893,
                    sha256="e978ddf6688527182c10fde2eb4b83068421648985ef23f7a86be732be8706c1",
                ),
                File(
                    name="encoder-model.onnx.data",
                    size=2_435_420_160,
                    sha256="9a22d372c51455c34f13405da2520baefb7125bd16981397561423ed32d24f36",
                ),
            ),
        ),
        nemo=Release(
            kind="nemo",
            repository="nvidia/parakeet-tdt-0.6b-v3",
            commit="541d1f99c6b0c3cd0b11a95167540bb8edefd82b",
            files=(
                File(
                    name="parakeet-tdt-0.6b-v3.nemo",
                    size=2_509_332_480,
                    sha256="3cbdc85877e668ca7b82d0d56770eb1fac76691f55d6b97545e8d61ca588d10d",
                ),
            ),
        ),
    ),
    Weights(
        name="nvidia/parakeet-tdt-0.6b-v2",
        about="NVIDIA Parakeet v2: English only, a little better at it than v3.",
        licence="CC-BY-4.0",
        owner="NVIDIA",
        languages=("en",),
        onnx=Release(
            kind="onnx",
            repository="istupakov/parakeet-tdt-0.6b-v2-onnx",
            commit="0bbb45a3365852604aef28b538a8f066f4ccaa85",
            files=(
                _CONFIG,
                File(
                    name="vocab.txt",
                    size=9_384,
                    sha256="ec182b70dd42113aff6c5372c75cac58c952443eb22322f57bbd7f53977d497d",
                ),
                File(
                    name="encoder-model.onnx",
                    size=41_770_866,
                    sha256="3987bcd28175d829d12888a996a84e8f62a0e374d9ffd640662c1515adc679d3",
                ),
                File(
                    name="decoder_joint-model.onnx",
                    size=35_792_059,
                    sha256="cbb52a07bd70ab5b67f8439d4b3cd8704b18467b4430bcacb5adabe154b8d191",
                ),
                File(
                    name="encoder-model.onnx.data",
                    size=2_435_420_160,
                    sha256="4dab7362d4874d85965045b1e41b2d61dd2cc0fb25671a7f6b3dc47bf120cc41",
                ),
            ),
        ),
        nemo=Release(
            kind="nemo",
            repository="nvidia/parakeet-tdt-0.6b-v2",
            commit="ae9ad07059c7c739ffaf932226a8fe64ae2620b0",
            files=(
                File(
                    name="parakeet-tdt-0.6b-v2.nemo",
                    size=2_472_222_720,
                    sha256="d99e39955c9d3d0350d8fb7c75e40c64a2b2eaeb003883d7c941fd2e8747b28c",
                ),
            ),
        ),
    ),
    Weights(
        name=TINY,
        about="A demo: about 160 words of synthetic English (espeak-ng). It knows no human speech.",
        licence="Apache-2.0",
        owner="Dropscribe",
        languages=("en",),
        onnx=Release(
            kind="onnx",
            repository=None,
            commit="",
            files=(
                File(
                    name="config.json",
                    size=82,
                    sha256="e8e2e685203ea070710a4ed1ba4f8294cabf4bd246d9180560b161bc684c1b56",
                ),
                File(
                    name="vocab.txt",
                    size=2_317,
                    sha256="485599379ad87243f33a278969b410feeba279d10f8a2dafa12aad66068ac269",
                ),
                File(
                    name="decoder_joint-model.onnx",
                    size=914_231,
                    sha256="31cfd48f69eca52cc866df932cd0b41cdd478e9db644408fa82e65b623796ed1",
                ),
                File(
                    name="encoder-model.onnx",
                    size=9_632_747,
                    sha256="bd0ecd8a6590e2b1637b818b3f7bc8d145e03b2497e10878f4838b55448a5cbc",
                ),
            ),
        ),
        nemo=Release(
            kind="nemo",
            repository=None,
            commit="",
            files=(
                File(
                    name="tiny-tdt.nemo",
                    size=6_901_760,
                    sha256="018c794cddd5f45a2f5999374a714aa48888bcfedfa6abe23113ee6682ccc7cb",
                ),
            ),
        ),
    ),
)
