"""Every error Dropscribe raises on purpose.

    DropscribeError
    ├── Transient              raise it: the message comes again, with back-off, then the dead letter
    │   ├── StoreUnavailable   the store, the records or the queue did not answer
    │   ├── EngineFailed       somebody else's engine did not answer, or with nothing that is of use
    │   └── ConfigurationError a setting, a role or a resource is wrong or missing; a process that
    │       │                  finds it at its start does not start
    │       ├── BucketRefused  a bucket is not there, or not for this deployment to use
    │       └── EngineRefused  somebody else's engine does not work for this deployment
    └── Permanent              record FAILED with the reason, acknowledge the message
        ├── BadMedia           the recording itself cannot be transcribed
        ├── BadRequest         the request or its options make no sense
        ├── NoWorker           the platform has no worker to give
        ├── ModelUnavailable   the weights are neither on disk nor to be downloaded
        ├── EngineLimit        the engine cannot take one part of the recording; another one may
        └── NoEngineLeft       every engine that may transcribe one part of the recording gave it up
    HandedOn                   is noted, never raised: an engine gave a part to another one
    └── HandedOnUntried        the same, where it had no worker to try it

A message is written for the owner of the recording: what is wrong, then what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class DropscribeError(Exception):
    """Something Dropscribe expected to be able to happen."""


class Transient(DropscribeError):  # noqa: N818 - the name says what to do, as `Permanent` does
    """It may work the next time."""


class StoreUnavailable(Transient):
    """The store, the records or the queue did not answer."""


class ConfigurationError(Transient):
    """The deployment is set up wrongly. What meets it comes again, because it can be mended meanwhile."""


class BucketRefused(ConfigurationError):  # noqa: N818 - see Transient
    """A bucket is not there, or this deployment may not use it: to be mended by whoever named it."""


class EngineFailed(Transient):
    """Somebody else's engine did not answer, or with nothing that is of use. Another time it may.

    Args:
        code: short and stable, one of `KINDS`.
        message: what happened, and what to do where it goes on.
        retry_after: seconds that the engine asked for, None if it did not.
        billed_seconds: seconds of audio that it may charge for all the same, because the answer was lost
            or is of no use; None if it has done nothing.
        request_id: its own name for the call, empty if there is none.
    """

    KINDS: ClassVar[dict[str, str]] = {
        "unreachable": "no connection",
        "timeout": "no answer in time",
        "lost": "the answer was lost",
        "rate": "too many requests",
        "server": "an error of the engine",
        "answer": "an answer that cannot be read",
    }
    """What the codes mean, in words."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_after: float | None = None,
        billed_seconds: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.kind = self.KINDS[code]
        self.retry_after = retry_after
        self.billed_seconds = billed_seconds
        self.request_id = request_id


class EngineRefused(ConfigurationError):  # noqa: N818 - see Transient
    """Somebody else's engine does not work for this deployment, until a person changes something.

    Args:
        code: short and stable, one of `KINDS`.
        message: what is wrong, and what to do.
    """

    KINDS: ClassVar[dict[str, str]] = {
        "key": "bad key",
        "credit": "no credit",
        "forbidden": "not allowed",
        "address": "wrong address",
        "absent": "not installed",
    }
    """What the codes mean, in words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.kind = self.KINDS[code]


class Permanent(DropscribeError):  # noqa: N818 - see Transient
    """It will fail in the same way however often it is tried."""


class BadMedia(Permanent):
    """The recording cannot be transcribed.

    Args:
        code: short and stable, for filters and counts: `empty`, `not-media`, `no-audio`,
            `encrypted`, `incomplete`, `undecodable`, `limit`, `no-track`, `missing`.
        message: one or two sentences for the owner of the file.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BadRequest(Permanent):
    """The request or its options make no sense."""


class NoWorker(Permanent):
    """The platform has no worker to give, so that an engine cannot even try."""


class ModelUnavailable(Permanent):
    """The weights are neither on disk nor to be downloaded."""


class EngineLimit(Permanent):
    """The engine cannot take one part of the recording; another one may."""


class NoEngineLeft(Permanent):
    """Every engine that may transcribe one part of the recording gave it up.

    Args:
        message: what each of them said.
        code: that of the one engine that was tried; left out where there were several.
    """

    def __init__(self, message: str, code: str = "NoEngineLeft") -> None:
        super().__init__(message)
        self.code = code


class HandedOn(DropscribeError):  # noqa: N818 - see Transient
    """An engine gave a part of a recording to another one. Noted for the statistics, never raised."""

    code: ClassVar[str] = "handed-on"
    """What the guard of a rollout counts."""


class HandedOnUntried(HandedOn):
    """The same, where the engine had no worker to try it: that says nothing about the engine."""

    code: ClassVar[str] = "handed-on-untried"
    """What it does not count."""
