"""The environment of the earlier pipeline: its variables as settings of Dropscribe, and where its files were.

Most variables have the same name and meaning in both (docs/settings.md). The others are here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dropscribe.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS = {"": "auto", "parakeet_enhanced": "parakeet", "parakeet_gpu": "parakeet"}
"""Its names of methods that Dropscribe calls otherwise."""
WEIGHTS = "nvidia/parakeet-tdt-0.6b-v2"
"""Those that it used: English only."""
TRUE = {"true", "1", "yes"}
YES_OR_NO = (
    *("ENABLE_GPU_TRANSCRIPTION", "ENABLE_FALLBACK", "COST_OPTIMIZATION"),
    *("ENABLE_BATCH_PROCESSING", "ENABLE_PERFORMANCE_METRICS"),
)
"""Settings whose values it read less strictly."""

CLOUD_BASE = Path("/tmp")  # noqa: S108 - the only place that a Cloud Run service may write to, and where audio was looked for
SUFFIXES = (".mp3", ".wav")


def settings(environ: Mapping[str, str], *, routed: bool, api_key: str | None = None) -> dict[str, str]:
    """The environment that Dropscribe is to read.

    Deepgram transcribes where `FORCE_DEEPGRAM_TRANSCRIPTION` says so, or `TRANSCRIPTION_METHOD`. Where there is a key for
    it, it also does where `ENABLE_GPU_TRANSCRIPTION` is off, and for a handler that `USE_GPU_TRANSCRIPTION` does not switch
    to the router. In all other cases the router chooses (docs/routing.md).

    Args:
        environ: that of the pipeline.
        routed: the router was called, and not the handler.
        api_key: key for Deepgram; None: `DEEPGRAM_API_KEY`.
    """
    found = dict(environ)
    if api_key:
        found["DEEPGRAM_API_KEY"] = api_key
    for name in YES_OR_NO:
        if found.get(name):
            found[name] = "true" if is_on(found, name) else "false"
    if not found.get("PARAKEET_MODEL_NAME"):
        found["PARAKEET_MODEL_NAME"] = WEIGHTS
    if found.get("MAX_FILE_SIZE_GB") and not found.get("DROPSCRIBE_MAX_FILE_GB"):
        found["DROPSCRIBE_MAX_FILE_GB"] = found["MAX_FILE_SIZE_GB"]
    asked = found.get("TRANSCRIPTION_METHOD", "").strip().lower()
    found["TRANSCRIPTION_METHOD"] = _method(found, METHODS.get(asked, asked), routed=routed)
    return found


def _method(found: Mapping[str, str], asked: str, *, routed: bool) -> str:
    if is_on(found, "FORCE_DEEPGRAM_TRANSCRIPTION"):
        return "deepgram"
    if found.get("DEEPGRAM_API_KEY", "").strip():
        if found.get("ENABLE_GPU_TRANSCRIPTION") == "false":
            return "deepgram"
        if asked == "auto" and not routed and not is_on(found, "USE_GPU_TRANSCRIPTION"):
            return "deepgram"
    return asked


def is_on(environ: Mapping[str, str], name: str) -> bool:
    """Whether a variable says yes."""
    return environ.get(name, "").strip().lower() in TRUE


def find(video_id: str, given: str | None, environ: Mapping[str, str]) -> Path | None:
    """The audio of a video: the file that is given, if it exists, else the first one in the usual places; None: nowhere.

    Raises:
        BadRequest: `video_id` cannot be part of a file name.
    """
    name = stem(video_id)
    if given and Path(given).exists():
        return Path(given)
    folders = (_base(environ) / "output" / "Raw" / "Audio", Path("outputs"), CLOUD_BASE / "outputs")
    places = (folder / f"{name}{suffix}" for folder in folders for suffix in SUFFIXES)
    return next((place for place in places if place.exists()), None)


def transcripts(given: str | None, environ: Mapping[str, str]) -> Path:
    """The folder for the files of a transcript."""
    return Path(given) if given else _base(environ) / "output" / "Raw" / "Transcripts"


def stem(video_id: str) -> str:
    """What the names of all files of a video begin with.

    Raises:
        BadRequest: it cannot be part of a file name.
    """
    name = f"audio_{video_id}"
    if not str(video_id) or Path(name).name != name or "\0" in name:
        raise BadRequest(f"{video_id!r} cannot be part of a file name. Give a video_id without slashes.")
    return name


def _base(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("BASE_DIR") or (CLOUD_BASE if "K_SERVICE" in environ else "."))
