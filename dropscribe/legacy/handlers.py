"""The two classes that the earlier pipeline called."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropscribe.errors import BadRequest, CannotWrite, DropscribeError
from dropscribe.legacy import deepgram, switches

if TYPE_CHECKING:
    from dropscribe.results import Transcript

log = logging.getLogger("dropscribe")

Files = dict[str, Any]
"""What both give: `transcript_file`, `paragraphs_file`, `words_file` (paths), `transcript_json_file` (the first of them,
by another name), and `transcription_metadata`."""


class TranscriptionRouter:
    """Transcribes with whatever suits the recording.

    Args:
        api_key: key for Deepgram; None: `DEEPGRAM_API_KEY`. Without one, Parakeet transcribes.
    """

    _routed = True

    def __init__(self, api_key: str | None = None) -> None:
        self._api_key = api_key

    async def transcribe(
        self,
        audio_file_path: str | os.PathLike[str],
        video_id: str,
        output_dir: str | os.PathLike[str] | None = None,
    ) -> Files:
        """Transcribe a file.

        Args:
            audio_file_path: audio, or a video with sound.
            video_id: part of the names of the files.
            output_dir: where they go; None: `output/Raw/Transcripts`, below `BASE_DIR` if that is set.

        Returns:
            The files; or, if there is no transcript, `error` with the reason, and `status`, which is `failed`.
        """
        path = os.fspath(audio_file_path)
        try:
            return await asyncio.to_thread(self._transcribed, Path(path), video_id, output_dir)
        except DropscribeError as error:
            log.warning("no transcript of %s: %s", path, error)
            return {"error": str(error), "status": "failed", "video_id": video_id, "audio_file": path}

    def _transcribed(self, path: Path, video_id: str, output_dir: str | os.PathLike[str] | None) -> Files:
        from dropscribe.run import each, only
        from shared.model import Options

        began = time.monotonic()
        environ = switches.settings(os.environ, routed=self._routed, api_key=self._api_key)
        stem = switches.stem(video_id)
        folder = switches.transcripts(None if output_dir is None else os.fspath(output_dir), os.environ)
        if path.is_dir():
            raise BadRequest(f"{path} is a folder. Name the audio in it.")
        # What it asked of Deepgram.
        options = Options(language="en", filler_words=True)
        transcript = only(each([str(path)], options, environ=environ))
        written = _write(transcript, folder, stem)
        return {**written, "transcription_metadata": _metadata(transcript, time.monotonic() - began)}


class TranscriptionHandler(TranscriptionRouter):
    """Transcribes the audio of a video, which it looks for itself.

    Args:
        api_key: key for Deepgram; None: `DEEPGRAM_API_KEY`. With one, Deepgram transcribes unless `USE_GPU_TRANSCRIPTION`
            is `true`; without, Parakeet does.
    """

    _routed = False

    async def process_audio_files(
        self,
        video_id: str,
        audio_file_path: str | os.PathLike[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
    ) -> Files | None:
        """Transcribe the audio of a video.

        Args:
            video_id: names the audio, if none is given: `audio_ID.mp3` or `.wav` in `output/Raw/Audio`, `outputs` or
                `/tmp/outputs`.
            audio_file_path: the audio; one that does not exist is looked for as if none were given.
            output_dir: where the files go; None: `output/Raw/Transcripts`, below `BASE_DIR` if that is set.

        Returns:
            The files; None if there is no audio.

        Raises:
            TranscriptionFailed: the audio cannot be transcribed, with the reason.
            DropscribeError: as `dropscribe.transcribe` raises them.
        """
        given = None if audio_file_path is None else os.fspath(audio_file_path)
        path = switches.find(video_id, given, os.environ)
        if path is None:
            log.error("Audio file not found for video ID: %s", video_id)
            return None
        return await asyncio.to_thread(self._transcribed, path, video_id, output_dir)


def _write(transcript: Transcript, folder: Path, stem: str) -> dict[str, Path]:
    """Write the three files, each completely; older ones are replaced."""
    from local.backend.files.atomic_write import replace

    files = {
        f"{stem}_transcript.json": deepgram.answer(transcript, time.time()),
        f"{stem}_paragraphs.csv": deepgram.paragraphs_table(transcript),
        f"{stem}_words.csv": deepgram.words_table(transcript),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name, data in files.items():
                replace(handle, name, data, 0o666)
        finally:
            os.close(handle)
    except OSError as error:
        raise CannotWrite(
            f"Cannot write into {folder}: {error.strerror}. Give another output_dir."
        ) from error
    document, paragraphs, words = (folder / name for name in files)
    return {
        "transcript_file": document,
        "paragraphs_file": paragraphs,
        "words_file": words,
        "transcript_json_file": document,
    }


def _metadata(transcript: Transcript, seconds: float) -> dict[str, Any]:
    gpu = any(one.endswith("-gpu") for one in transcript.engines)
    return {
        "method_used": transcript.method,
        "model_name": transcript.parts[0].model if transcript.parts else "",
        "device_used": "cuda" if gpu else "cpu",
        "gpu_used": gpu,
        "cost_estimate": transcript.usd,
        "processing_time_seconds": seconds,
        "words_count": len(transcript.words),
        "segments_count": len(transcript.segments),
    }
