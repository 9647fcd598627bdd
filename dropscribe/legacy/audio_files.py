"""Where the earlier pipeline looked for audio, and where it put its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dropscribe.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOUD_BASE = Path("/tmp")  # noqa: S108 - the only place that a Cloud Run service may write to, and where audio was looked for
SUFFIXES = (".mp3", ".wav")


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
