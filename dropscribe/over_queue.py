"""A deployment by its own queue, records and buckets: that of a Google Cloud project, or of this machine."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dropscribe.errors import ConfigurationError, NotFound, StoreUnavailable
from dropscribe.results import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared import model
    from shared.messages import TranscriptReady
    from shared.ports import Ports

FOLDER = "python"
"""Where uploaded files are in the audio bucket."""
PIECE = 1024 * 1024
"""Bytes of a file that are copied at one time."""

log = logging.getLogger("dropscribe")


def project_ports(project: str, settings: Mapping[str, str]) -> OverQueue:
    """The deployment of a project.

    Raises:
        ConfigurationError: a setting is wrong, there are no credentials, or Google's libraries are missing.
    """
    from shared.connect import settings_here
    from shared.settings import unknown

    if not all(map(_is_installed, GOOGLE)):
        raise ConfigurationError(
            "Google's libraries are not installed. Install them with `pip install 'dropscribe[google]'`."
        )
    there = {"DROPSCRIBE_PLATFORM": "google", "GOOGLE_CLOUD_PROJECT": project, **settings}
    if wrong := unknown(there):
        raise ConfigurationError(f"{wrong[0]} is not a setting: check its spelling (docs/settings.md).")
    found = settings_here({**os.environ, **there})
    from shared.adapters.google_ports import open_ports

    ports = open_ports(found)
    return OverQueue(ports, ports.close)


GOOGLE = ("google.cloud.firestore", "google.cloud.pubsub", "google.cloud.storage")


def _is_installed(library: str) -> bool:
    try:
        return importlib.util.find_spec(library) is not None
    except ModuleNotFoundError:  # not even the package that it would be in, such as google.cloud
        return False


def machine_ports(state_dir: Path | None) -> OverQueue:
    """The deployment of this machine.

    Raises:
        ConfigurationError: a setting is wrong, or the state folder cannot be used.
    """
    from local.backend.embedded_ports import open_ports
    from local.commands.context import local_settings

    environ = dict(os.environ)
    environ.pop("DROPSCRIBE_PLATFORM", None)
    ports = open_ports(local_settings(state_dir, environ))
    return OverQueue(ports, ports.close)


class OverQueue:
    """Requests and their answers, as `dropscribe submit` asks and waits."""

    def __init__(self, ports: Ports, close: Callable[[], None]) -> None:
        self._ports = ports
        self._close = close

    def close(self) -> None:
        """Let go of its connections."""
        self._close()

    def submit(
        self,
        source: str,
        options: model.Options | None,
        request_id: str | None,
        metadata: Mapping[str, str],
    ) -> str:
        """Ask for a transcript; the id of the request."""
        from shared import client
        from shared.state import answers, audit

        uri = source if "://" in source else self._uri(Path(source), options)
        job = client.submit(uri, ports=self._ports, options=options, request_id=request_id, metadata=metadata)
        audit.note("submit", [answers.key_of(job)], self._ports)
        if self._ports.nothing_runs():
            log.warning("nothing is running yet that could answer %s: run `dropscribe up`", job)
        return job

    def ended(self, job: str) -> Status | None:
        """The answer to a request."""
        from shared.state import answers

        asked = answers.find(job, self._ports.records)
        return None if asked is None or asked.answer is None else self._of(job, asked.answer)

    def status(self, job: str) -> Status | None:
        """How far a request is; None if it is not known, or has not been received yet."""
        from console.api import rows
        from shared.state import answers, documents

        asked = answers.find(job, self._ports.records)
        if asked is None:
            return None
        if asked.answer is not None:
            return self._of(job, asked.answer)
        recording = documents.get_recording(self._ports.records, asked.recording)
        if recording is None:
            return Status(job=job, state="ACCEPTED")
        seen = rows.row(recording, self._ports)
        return Status(
            job=job,
            # It has not ended until it is answered.
            state="PLANNED" if recording.ended else recording.state,
            source=seen.uri,
            recording=seen.id,
            chunks=seen.chunks,
            chunks_done=seen.chunks_done,
            duration=seen.seconds,
            usd=seen.usd,
            reason="" if recording.ended else seen.reason,
        )

    def load(self, status: Status, name: str) -> bytes | None:
        """An output file."""
        place = status.outputs.get(name)
        if place is None:
            return None
        if place.startswith("gs://"):
            bucket, _, stored = place.removeprefix("gs://").partition("/")
            return self._ports.store.load(bucket, stored)
        from shared.machine.regular_files import read_regular

        try:
            return read_regular(place)
        except FileNotFoundError:
            return None

    def _of(self, job: str, answer: TranscriptReady) -> Status:
        from local.commands.audio.submit import place
        from shared.flow.reading import output_files

        return Status(
            job=job,
            state=answer.state,
            source=answer.source,
            recording=answer.recording,
            duration=answer.duration,
            usd=answer.usd,
            reason=answer.reason,
            code=answer.code,
            outputs={output_files.short(uri): place(uri, self._ports) for uri in answer.outputs},
        )

    def _uri(self, path: Path, options: model.Options | None) -> str:
        """The address of a file of this machine: on its own deployment where it is, in a project an object with its bytes.

        An object is named after the SHA-256 of its bytes: the same file again is the same recording, which is paid once.
        """
        from local.commands.audio.submit import uri_of
        from shared.messages import metadata_of
        from shared.model import Options
        from shared.state import uploads

        ports = self._ports
        if "://" in (uri := uri_of(str(path), ports)):
            return uri
        bucket, digest = ports.settings.audio_bucket, hashlib.sha256()
        try:
            with path.open("rb") as file, ports.store.stage(bucket) as staged:
                while piece := file.read(PIECE):
                    digest.update(piece)
                    staged.write(piece)
                name = f"{FOLDER}/{digest.hexdigest()[:16]}/{path.name}"
                stored = ports.store.create_from(
                    bucket,
                    name,
                    staged,
                    metadata=metadata_of(options or Options()),
                    ahead=lambda source: uploads.fix(source, ports.records),
                ) or ports.store.stat(bucket, name)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"There is no file {str(path)!r}. Check the spelling of the path.") from error
        if stored is None:
            raise StoreUnavailable(f"{path} was deleted in {bucket} while it was uploaded. Submit it again.")
        return stored.uri
