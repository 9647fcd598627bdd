"""The two networks that tell speakers apart: pinned like other weights, or the deployment's own.

The files of the hub are exports of https://github.com/k2-fsa/sherpa-onnx.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_job.weights import digests, lookup
from gpu_job.weights.catalogue import File, Release
from shared.errors import ModelUnavailable

if TYPE_CHECKING:
    from gpu_job.weights.download import Progress

SPEAKERS = "speakers"
"""What a person writes after `dropscribe models pull`."""
VARIABLE = "DROPSCRIBE_SPEAKER_WEIGHTS"
"""The setting that names a folder of the deployment's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeakerNetwork:
    """One of the two networks."""

    about: str
    """Its makers' name for it, and one sentence."""
    licence: str
    """SPDX identifier."""
    owner: str
    """Who made it."""
    release: Release
    """Where it comes from."""
    name: str = SPEAKERS
    """Both are fetched together."""

    def pulled(self, _: Release) -> int:
        """Bytes of both networks."""
        return sum(one.release.size for one in NETWORKS)

    def otherwise(self, _: Release) -> str:
        """What to do without the network, for the end of a sentence."""
        return f"or set {VARIABLE} to a folder with segmentation.onnx and embedding.onnx; or ask without speakers (diarize, channels)"

    @property
    def file(self) -> Path:
        """Where it is, once it is on disk."""
        return self.release.folder / self.release.files[0].name


SEGMENTATION = SpeakerNetwork(
    about="pyannote/segmentation-3.0: who speaks when within ten seconds.",
    licence="MIT",
    owner="CNRS",
    release=Release(
        kind="onnx",
        repository="csukuangfj/sherpa-onnx-pyannote-segmentation-3-0",
        commit="9403a6902bb58e3d5ae8c7e77c3422de279db2e0",
        files=(
            File(
                name="model.onnx",
                size=5_992_913,
                sha256="220ad67ca923bef2fa91f2390c786097bf305bceb5e261d4af67b38e938e1079",
            ),
        ),
    ),
)
EMBEDDING = SpeakerNetwork(
    about="CAM++ of 3D-Speaker, common, Chinese and English: how alike two voices are.",
    licence="Apache-2.0",
    owner="Alibaba",
    release=Release(
        kind="onnx",
        repository="csukuangfj/speaker-embedding-models",
        commit="0743f301363dec56491a490f6d6cbc9d67f9a3bf",
        files=(
            File(
                name="3dspeaker_speech_campplus_sv_zh_en_16k-common_advanced.onnx",
                size=28_281_164,
                sha256="aa3cfc16963a10586a9393f5035d6d6b57e98d358b347f80c2a30bf4f00ceba2",
            ),
        ),
    ),
)
NETWORKS = (SEGMENTATION, EMBEDDING)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocatedSpeakers:
    """Both networks on disk."""

    segmentation: Path
    """An ONNX file."""
    embedding: Path
    """Another."""
    revision: str
    """Short SHA-256 of both: of equal files the same, wherever they are."""
    remedy: str
    """What to do if one turns out to be damaged, for the end of a sentence."""


def missing() -> int:
    """Bytes of the pinned networks that are not on this disk."""
    return sum(one.release.size for one in NETWORKS if one.release.on_disk() is None)


def locate(folder: str = "", *, progress: Progress | None = None) -> LocatedSpeakers:
    """Find both networks, downloading the pinned ones where that is needed.

    Args:
        folder: with `segmentation*.onnx` and `embedding*.onnx` of the deployment's own; empty for those pinned here.
        progress: told how far a download is.

    Raises:
        ModelUnavailable: says what is missing or damaged, and what to do.
    """
    if folder:
        return _own(Path(folder).expanduser())
    for one in NETWORKS:
        if one.release.on_disk() is None:
            from gpu_job.weights.download import download  # noqa: PLC0415 - imports the hub's client, half a second

            download(one, one.release, progress)
        lookup.verify_release(one.release, f"dropscribe models pull {SPEAKERS}")
    return LocatedSpeakers(
        segmentation=SEGMENTATION.file,
        embedding=EMBEDDING.file,
        revision=_revision(*(one.release.files[0].sha256 for one in NETWORKS)),
        remedy=f"delete it and run `dropscribe models pull {SPEAKERS}`",
    )


def _own(folder: Path) -> LocatedSpeakers:
    """The networks of a folder."""
    paths = []
    for name in ("segmentation", "embedding"):
        found = sorted(folder.glob(f"{name}*.onnx"))
        if len(found) != 1:
            raise ModelUnavailable(
                f"{VARIABLE} names {folder}, which has {len(found) or 'no'} files {name}*.onnx, where one is needed. Put "
                f"both networks there, or unset it: then those of `dropscribe models pull {SPEAKERS}` are used."
            )
        paths += found
    try:
        revision = _revision(*map(digests.sha256, paths))
    except OSError as error:
        raise ModelUnavailable(
            f"{error.filename} cannot be read: {error.strerror}. Make it readable."
        ) from error
    segmentation, embedding = paths
    return LocatedSpeakers(
        segmentation=segmentation,
        embedding=embedding,
        revision=revision,
        remedy=f"put another export into {folder}, or unset {VARIABLE}",
    )


def _revision(segmentation: str, embedding: str) -> str:
    return f"{segmentation[:16]}+{embedding[:16]}"
