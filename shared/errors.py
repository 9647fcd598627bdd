"""Every error Dropscribe raises on purpose.

    DropscribeError
    ├── Transient              raise it: the message is redelivered with back-off, then dead-lettered
    │   ├── StoreUnavailable   the store, the records or the queue did not answer
    │   ├── Unreachable        a web address that a person named gave no answer, or not all of it
    │   ├── UnderWay           another delivery is at work on the same
    │   ├── TimedOut           what a person waits for has not come in time
    │   ├── EngineFailed       a hosted engine gave no answer, or an unusable one
    │   ├── CallHangs          a call of this process does not return, so the process ends
    │   └── ConfigurationError a setting, a role or a resource is wrong or missing; a process that
    │       │                  finds it at its start does not start
    │       ├── BucketRefused  a bucket does not exist, or this deployment may not use it
    │       ├── EngineRefused  a hosted engine does not work for this deployment
    │       └── NewerVersion   a message or a document is from a newer version
    └── Permanent              record FAILED with the reason, acknowledge the message
        ├── BadMedia           the recording itself cannot be transcribed
        ├── BadRequest         the request or its options are invalid
        │   ├── NotFound       what it names does not exist
        │   └── Damaged        a stored document cannot be read
        ├── OverLimit          it is beyond a limit of the deployment
        ├── NoWorker           the platform has no worker available
        ├── CannotWrite        a place for results cannot be written
        ├── ModelUnavailable   the weights are not on disk and cannot be downloaded
        ├── EngineLimit        the engine cannot transcribe one part of the recording; another may
        └── NoEngineLeft       every engine that may transcribe one part of the recording gave it up
    HandedOn                   is noted, never raised: an engine handed a part to another one
    └── HandedOnUntried        the same, but without a worker to try it

Messages are written for the owner of the recording: what is wrong, then what to do next.
"""

from __future__ import annotations

from typing import ClassVar

from shared.in_words import printable


class DropscribeError(Exception):
    """A failure that Dropscribe anticipates."""

    def __str__(self) -> str:
        """The message, on one line: it quotes names and answers of others, and goes to terminals and logs."""
        return printable(super().__str__())


class Transient(DropscribeError):  # noqa: N818 - the name says what to do, as `Permanent` does
    """It may succeed the next time."""


class StoreUnavailable(Transient):
    """The store, the records or the queue did not answer."""


class Unreachable(Transient):
    """A web address that a person named gave no answer, or not all of it."""


class UnderWay(Transient):
    """Another delivery is at work on the same. That is no failure, so no note is made of it."""


class ConfigurationError(Transient):
    """The deployment is set up wrongly. Messages are redelivered, because that can be fixed in the meantime."""


class TimedOut(Transient):
    """What a person waits for has not come in the time they gave. It may come later."""


class CallHangs(Transient):
    """A call of this process does not return. Only the end of the process ends it; its work is done elsewhere."""


class BucketRefused(ConfigurationError):  # noqa: N818 - see Transient
    """A bucket does not exist, or this deployment may not use it: the caller or operator who named it has to fix that."""


class EngineFailed(Transient):
    """A hosted engine gave no answer, or an unusable one. The next time it may succeed.

    Args:
        code: short and stable, one of `KINDS`.
        message: what happened, and what to do if it persists.
        retry_after: pause that the engine asked for, seconds; None if it did not.
        billed_seconds: seconds of audio that it may charge for anyway, because the answer was lost or is
            unusable; None if it has done nothing.
        request_id: its id for the call, empty if there is none.
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
    """A hosted engine does not work for this deployment until a person changes something.

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


class NewerVersion(ConfigurationError):  # noqa: N818 - see Transient
    """A message or a document has a value that only a newer version knows: a deployment is under way.

    Args:
        what: that value, as the beginning of a sentence.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}. It comes from a newer version of Dropscribe: finish the deployment of that version, "
            "or roll it back. Until then it is tried again."
        )


class Permanent(DropscribeError):  # noqa: N818 - see Transient
    """It will fail in the same way on every attempt."""


class BadMedia(Permanent):
    """The recording cannot be transcribed.

    Args:
        code: short and stable, for filters and counts: `empty`, `not-media`, `no-audio`,
            `encrypted`, `incomplete`, `undecodable`, `limit`, `no-track`, `missing`; `breach`, if it made the decoder
            do what decoding never does; `internal`, if the fault is ours.
        message: one or two sentences for the owner of the file.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BadRequest(Permanent):
    """The request or its options are invalid."""


class NotFound(BadRequest):
    """A file, a recording or a key that was named does not exist."""


class Damaged(BadRequest):
    """A stored document cannot be read, in this version or a newer one. It stops what it is about, and nothing else.

    Args:
        document: its collection and key.
        why: what is wrong with it.
    """

    def __init__(self, document: str, why: object) -> None:
        collection, _, key = document.partition("/")
        delete = (
            f", or delete it with `dropscribe forget {key}`"
            if collection == "recordings"
            else " or delete it"
        )
        super().__init__(
            f"The document {document} cannot be read: {why}. Correct it{delete}, then try again."
        )


class OverLimit(Permanent):
    """A recording or a request is beyond a limit of the deployment.

    Args:
        code: short and stable: `too-large`, `too-long`, `too-many-chunks`, `quota`.
        message: the limit, its setting, and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoWorker(Permanent):
    """The platform has no worker available, so the engine cannot even try."""


class CannotWrite(Permanent):
    """A place for results cannot be written."""


class ModelUnavailable(Permanent):
    """The weights are not on disk and cannot be downloaded."""


class EngineLimit(Permanent):
    """The engine cannot transcribe one part of the recording; another may."""


class NoEngineLeft(Permanent):
    """Every engine that may transcribe one part of the recording gave it up.

    Args:
        message: the reason of each of them.
        code: that of the only engine that was tried; omitted if there were several.
    """

    def __init__(self, message: str, code: str = "NoEngineLeft") -> None:
        super().__init__(message)
        self.code = code


class HandedOn(DropscribeError):  # noqa: N818 - see Transient
    """An engine handed a part of a recording to another one. Noted for the statistics, never raised."""

    code: ClassVar[str] = "handed-on"
    """The guard of Parakeet's share counts these."""


class HandedOnUntried(HandedOn):
    """The same, but without a worker to try it: that says nothing about the engine."""

    code: ClassVar[str] = "handed-on-untried"
    """The guard of Parakeet's share does not count these."""
