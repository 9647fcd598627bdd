"""Hand finished transcripts of the inbox to a person: one readable folder for each file.

The transcripts bucket keeps every version apart, by generation and key. A person who drops `talk.mp3`
looks for `OUT/talk.mp3/transcript.srt`; that is a copy of the newest version, made when it is done.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from local.backend import names
from local.runtime.export import export
from shared import outputs
from shared.state import documents
from shared.telemetry import log

if TYPE_CHECKING:
    from local.backend.embedded_ports import LocalPorts
    from shared.messages import TranscriptReady


def deliver(ready: TranscriptReady, ports: LocalPorts) -> None:
    """Copy the outputs of a finished recording of the inbox; nothing for any other.

    Raises:
        Permanent: the folder cannot be written.
        Transient: try again.
    """
    recording = documents.get_recording(ports.records, ready.recording)
    if (
        recording is None
        or recording.state != "DONE"
        or recording.source.bucket != ports.settings.audio_bucket
    ):
        return
    live = ports.store.stat(recording.source.bucket, recording.source.name)
    if live is not None and live.generation != recording.source.generation:
        return  # a newer version is on its way, and would be overwritten by this one
    folder = Path(ports.out) / names.to_path(recording.source.name)
    export(recording, folder, outputs.file_names(), ports)
    log.info("transcript of %s: %d words, in %s", recording.source.name, recording.words or 0, folder)
