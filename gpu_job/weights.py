"""Where the weights are: in the repository, in a folder, or on the model hub, pinned by commit.

Nothing here loads them, so asking what there is (`dropscribe doctor`) costs neither time nor memory.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ModelUnavailable

TINY = "tiny"
FILES = ("config.json", "vocab.txt", "encoder-model.onnx", "decoder_joint-model.onnx")
"""What a folder with an ONNX export must hold."""
MODEL_TYPE = "nemo-conformer-tdt"
HUB_TIMEOUT = 5.0
"""Seconds for the hub's first answer: without it a machine with no connection retries for half a minute."""


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
    megabytes: int
    """Size on disk, 10^6 bytes."""
    repository: str | None = None
    """ONNX export on the hub; None for bundled weights."""
    commit: str = ""
    """Pinned commit of the repository."""
    external: tuple[str, ...] = ()
    """Files beside `FILES`: tensors kept outside the ONNX graph."""

    @property
    def language(self) -> str | None:
        """The one language they know, or None where they know several."""
        return self.languages[0] if len(self.languages) == 1 else None

    def on_disk(self) -> Path | None:
        """Their folder where every file is here already, else None. Uses no network."""
        if self.repository is None:
            return BUNDLED if all((BUNDLED / name).is_file() for name in FILES) else None
        from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - half a second, only where needed

        found = [
            try_to_load_from_cache(self.repository, name, revision=self.commit)
            for name in (*FILES, *self.external)
        ]
        return Path(str(found[0])).parent if all(isinstance(path, str) for path in found) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Weights that are on disk."""

    folder: Path
    """Holds `FILES`."""
    revision: str
    """Commit of the hub, or a digest of the files."""
    language: str | None
    """BCP-47 code where they know one language only."""
    remedy: str
    """What to do when they turn out to be damaged."""


BUNDLED = Path(__file__).resolve().parent.parent / "models" / "tiny-tdt"

_EUROPEAN = (
    "bg", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "el", "hu", "it",
    "lv", "lt", "mt", "pl", "pt", "ro", "ru", "sk", "sl", "es", "sv", "uk",
)  # fmt: skip

_KNOWN = (
    Weights(
        name="nvidia/parakeet-tdt-0.6b-v3",
        about="NVIDIA Parakeet v3: 25 European languages, found out by itself.",
        licence="CC-BY-4.0",
        owner="NVIDIA",
        languages=_EUROPEAN,
        megabytes=2550,
        repository="istupakov/parakeet-tdt-0.6b-v3-onnx",
        commit="8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce",
        external=("encoder-model.onnx.data",),
    ),
    Weights(
        name="nvidia/parakeet-tdt-0.6b-v2",
        about="NVIDIA Parakeet v2: English only, a little better at it than v3.",
        licence="CC-BY-4.0",
        owner="NVIDIA",
        languages=("en",),
        megabytes=2510,
        repository="istupakov/parakeet-tdt-0.6b-v2-onnx",
        commit="0bbb45a3365852604aef28b538a8f066f4ccaa85",
        external=("encoder-model.onnx.data",),
    ),
    Weights(
        name=TINY,
        about="A demo: about 160 words of synthetic English (espeak-ng). It knows no human speech.",
        licence="Apache-2.0",
        owner="Dropscribe",
        languages=("en",),
        megabytes=11,
    ),
)


def catalogue() -> tuple[Weights, ...]:
    """All weights known by name. `on_disk()` of each tells whether it is here, without the network."""
    return _KNOWN


def locate(name: str) -> Located:
    """Find weights, downloading them where that is needed.

    Args:
        name: a name of the catalogue, or the path of a folder with an ONNX export.

    Raises:
        ModelUnavailable: says what is missing and what to do.
    """
    known = next((weights for weights in _KNOWN if weights.name == name), None)
    if known is None:
        return _in_folder(Path(name).expanduser(), name)
    folder = known.on_disk()
    if known.repository is None:
        if folder is None:
            raise ModelUnavailable(
                f"The bundled demo weights are not in {BUNDLED}. Run Dropscribe from its repository, "
                "or name other weights with --model."
            )
        return Located(
            folder=folder,
            revision=digest(folder),
            language=known.language,
            remedy="get the repository's own copy back, as with `git checkout -- models`",
        )
    return Located(
        folder=folder or _download(known),
        revision=known.commit,
        language=known.language,
        remedy="delete that folder of the cache and start again, and they are downloaded anew",
    )


def digest(folder: Path) -> str:
    """Short SHA-256 of the files that make up an export: the revision of weights that have no commit."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name in FILES or path.name.endswith(".onnx.data"):
            with path.open("rb") as file:
                total.update(f"{path.name}\0".encode())
                total.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{total.hexdigest()[:16]}"


def _in_folder(folder: Path, name: str) -> Located:
    names = ", ".join(weights.name for weights in _KNOWN)
    if not folder.is_dir():
        raise ModelUnavailable(
            f"There are no weights called {name!r}, and no such folder. Known are {names}; "
            "or give the path of a folder with an ONNX export."
        )
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise ModelUnavailable(
            f"The folder {folder} holds no ONNX export of a Parakeet-TDT model: {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing. Export the model again, or use one of {names}."
        )
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (ValueError, AttributeError) as error:
        raise ModelUnavailable(
            f"{folder / 'config.json'} is not a JSON object: {error}. Export the model again."
        ) from error
    if kind != MODEL_TYPE:
        raise ModelUnavailable(
            f"The model in {folder} is of type {kind!r}; Dropscribe runs {MODEL_TYPE!r}. Use one of {names}."
        )
    return Located(folder=folder, revision=digest(folder), language=None, remedy="export the model again")


def _download(weights: Weights) -> Path:
    from huggingface_hub import HfApi, constants, snapshot_download  # noqa: PLC0415 - see `on_disk`

    assert weights.repository is not None
    reached = False
    try:
        HfApi().model_info(weights.repository, revision=weights.commit, timeout=HUB_TIMEOUT)
        reached = True
        return Path(
            snapshot_download(
                weights.repository, revision=weights.commit, allow_patterns=[*FILES, *weights.external]
            )
        )
    except Exception as error:
        # The hub client's errors have no root in common: see its `errors.py`.
        what = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        happened = (
            "their download broke off" if reached else f"the model hub ({constants.ENDPOINT}) was not reached"
        )
        raise ModelUnavailable(
            f"The weights {weights.name} are not on this machine, and {happened}: {what.rstrip('.')}. "
            f"Connect once and start again (about {weights.megabytes / 1000:.1f} GB, then kept in "
            f"{constants.HF_HUB_CACHE}); or set HF_HOME to a cache that has them; or name a folder with an ONNX "
            f"export as the model; or try the flow with --model {TINY}, a demo that knows some 160 words of "
            "synthetic English and no human speech."
        ) from error
