"""Ask a running deployment for transcripts, from anywhere: over HTTP, or in a Google Cloud project.

The three ways to one: the address that `dropscribe up` prints (`Client`), Pub/Sub, Firestore and Cloud Storage of a
project (`Client.of_project`), and the state folder of this machine's `dropscribe up` (`Client.of_machine`).

    client = dropscribe.Client("http://127.0.0.1:8610/?token=…")
    job = client.submit("talk.mp3", language="en")
    transcript = client.wait(job, timeout=3600)
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, Unpack

from dropscribe.errors import NotFound, StoreUnavailable, TimedOut, TranscriptionFailed
from dropscribe.options import Options, options_of
from dropscribe.results import DOCUMENT, Status, Transcript, transcript_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared import model


class Deployment(Protocol):
    """One way to reach a deployment. A job is named by the id that `submit` gives."""

    def submit(
        self,
        source: str,
        options: model.Options | None,
        request_id: str | None,
        metadata: Mapping[str, str],
    ) -> str:
        """Ask for a transcript of an address, or of a file of this machine; the id of the job."""

    def ended(self, job: str) -> Status | None:
        """How a job ended; None while it has not."""

    def status(self, job: str) -> Status | None:
        """How far a job is; None if it is not known, or not yet."""

    def load(self, status: Status, name: str) -> bytes | None:
        """An output file of a job that is done; None if it has no such file."""

    def close(self) -> None:
        """Let go of its connections."""


LATE = 60.0
"""Seconds in which a job that another process has submitted may still be on its way to the deployment."""


class Client:
    """A deployment, for programs that want transcripts from it. It may be used by several threads.

    Args:
        deployment: address of a console (`dropscribe up` prints it; its `?token=…` is understood), or another way to
            reach a deployment.
        token: the token of that console; None: that in the address, or `DROPSCRIBE_CONSOLE_TOKEN`.
        headers: sent with each request as well, as a proxy before the console may want them.

    Raises:
        BadRequest: the address is not valid.
    """

    def __init__(
        self,
        deployment: str | Deployment,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        from dropscribe.over_http import Console

        self._there: Deployment = (
            Console(deployment, token=token, headers=headers or {})
            if isinstance(deployment, str)
            else deployment
        )
        self._known: set[str] = set()
        """Jobs that were submitted here, or that the deployment knew."""

    @classmethod
    def of_project(cls, project: str, **settings: str) -> Self:
        """The deployment of a Google Cloud project, with the credentials of this process.

        It publishes to `transcribe-requests`, reads the answer in Firestore and the transcript in Cloud Storage. Files of
        this machine are uploaded to the audio bucket first.

        Args:
            project: id of the project.
            settings: of the deployment where they are not the usual ones (docs/settings.md), as
                `DROPSCRIBE_AUDIO_BUCKET="calls"`.

        Raises:
            ConfigurationError: a setting is wrong, there are no credentials, or Google's libraries are missing.
        """
        from dropscribe.over_queue import project_ports

        return cls(project_ports(project, settings))

    @classmethod
    def of_machine(cls, state_dir: str | os.PathLike[str] | None = None) -> Self:
        """The deployment of this machine, on which `dropscribe up` works.

        Args:
            state_dir: its state folder; None: as set, by default that of the command line.

        Raises:
            ConfigurationError: a setting is wrong, or the folder cannot be used.
        """
        from dropscribe.over_queue import machine_ports

        return cls(machine_ports(None if state_dir is None else Path(state_dir)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections; what was asked for goes on."""
        self._there.close()

    def submit(
        self,
        source: str | os.PathLike[str],
        *,
        formats: Sequence[str] | str | None = None,
        request_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Unpack[Options],
    ) -> str:
        """Ask for a transcript; it is not waited for.

        Args:
            source: path of a file of this machine, which is uploaded, or the `gs://bucket/name` of an object.
            formats: output formats beside the standard ones (docs/outputs.md).
            request_id: your own id, with which a call can be repeated safely; not over HTTP.
            metadata: returned with the answer on `transcripts-ready`; not over HTTP.
            options: see `Options`; without any, those of the object.

        Returns:
            The id of the job.

        Raises:
            NotFound: there is no such file.
            BadRequest: an option is wrong, or the deployment may not read what is named.
            OverLimit: it is beyond a limit of the deployment.
            ConfigurationError: the token is wrong, or something of the deployment is missing.
            Transient: it may not have been submitted; try again.
        """
        asked = any(value is not None for value in options.values()) or formats is not None
        wanted = options_of(options, formats) if asked else None
        job = self._there.submit(os.fspath(source), wanted, request_id, metadata or {})
        self._known.add(job)
        return job

    def status(self, job: str) -> Status:
        """How far a job is.

        One that was submitted here and has not come to the deployment yet is `ACCEPTED`.

        Raises:
            NotFound: the deployment does not know the job, and it was not submitted here.
            Transient: the deployment did not answer.
        """
        found = self._there.status(job)
        if found is not None:
            self._known.add(job)
        elif job not in self._known:
            raise NotFound(
                f"The deployment knows no job {job}. Check the id, and that this is where it was submitted. If another "
                "process has submitted it a moment ago, ask again."
            )
        return found or Status(job=job, state="ACCEPTED")

    def wait(
        self, job: str, *, timeout: float | None = None, sleep: Callable[[float], object] = time.sleep
    ) -> Transcript:
        """Wait for the transcript of a job.

        Args:
            job: from `submit`.
            timeout: seconds; None waits for ever.
            sleep: called between two polls, with seconds.

        Raises:
            TranscriptionFailed: it ended without a transcript, with the reason.
            NotFound: the deployment does not know the job, after a minute.
            TimedOut: the time is over, which changes nothing for the job: wait again.
            Transient: the deployment did not answer.
        """
        from shared.client import until

        waited = 0.0

        def pause(seconds: float) -> None:
            nonlocal waited
            sleep(seconds)
            waited += seconds

        def poll() -> Status | None:
            found = self._there.ended(job)
            if found is None and waited >= LATE and job not in self._known:
                self.status(job)
            return found

        def where() -> str:
            try:
                self.status(job)
            except NotFound:
                return "the deployment knows no such job so far; check the id, or wait for it again"
            return "it is in progress, and this changes nothing for it: wait for it again"

        ended = until(
            poll,
            what=f"Job {job} has not ended",
            where=where,
            timeout=timeout,
            sleep=pause,
        )
        return self._transcript(ended)

    def result(self, job: str) -> Transcript:
        """The transcript of a job that is done.

        Raises:
            NotFound: the deployment does not know the job.
            TimedOut: it has not ended yet.
            TranscriptionFailed: it ended without a transcript, with the reason.
            Transient: the deployment did not answer.
        """
        return self._transcript(self._end_of(job))

    def download(self, job: str, name: str) -> bytes:
        """An output file of a job that is done, by its name (`transcript.srt`).

        Raises:
            NotFound: it has no such file, or the deployment does not know the job.
            TimedOut: it has not ended yet.
            TranscriptionFailed: it ended without a transcript.
            Transient: the deployment did not answer.
        """
        ended = self._end_of(job)
        _check_done(ended)
        found = self._there.load(ended, name)
        if found is None:
            raise NotFound(f"Job {job} has no file {name!r}. It has: {', '.join(ended.outputs)}.")
        return found

    def _end_of(self, job: str) -> Status:
        ended = self._there.ended(job)
        if ended is None:
            self.status(job)
            raise TimedOut(f"Job {job} has not ended yet: `wait` for it.")
        return ended

    def _transcript(self, ended: Status) -> Transcript:
        _check_done(ended)
        document = self._there.load(ended, DOCUMENT)
        if document is None:
            raise StoreUnavailable(f"{DOCUMENT} of job {ended.job} is gone. Submit the recording again.")
        return transcript_of(document, usd=ended.usd, outputs=ended.outputs)


def _check_done(ended: Status) -> None:
    if ended.state != "DONE":
        raise TranscriptionFailed(
            source=ended.source,
            state=ended.state,
            reason=ended.reason,
            code=ended.code,
            recording=ended.recording,
        )
