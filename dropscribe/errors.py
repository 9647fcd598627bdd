"""What goes wrong, as exceptions. Each message says what is wrong, then what to do.

    DropscribeError
    ├── Transient               the same call may succeed later
    │   ├── TimedOut            the transcript has not come in the time that was given
    │   ├── StoreUnavailable    the deployment, its records or the disk did not answer
    │   └── ConfigurationError  a setting, a token or a library is wrong or missing
    └── Permanent               the same call fails again
        ├── BadRequest          an option or an argument is wrong
        │   └── NotFound        there is no such file, object or recording
        ├── OverLimit           it is beyond a limit of the deployment
        ├── CannotWrite         the folder for the outputs cannot be written
        ├── ModelUnavailable    the weights are not on disk and cannot be downloaded
        └── TranscriptionFailed the recording ended without a transcript: `reason` and `code` say why

`except dropscribe.Transient` is therefore what to try again, and `except dropscribe.Permanent` what to tell a person.
"""

from __future__ import annotations

from shared.errors import (
    BadRequest,
    CannotWrite,
    ConfigurationError,
    DropscribeError,
    ModelUnavailable,
    NotFound,
    OverLimit,
    Permanent,
    StoreUnavailable,
    TimedOut,
    Transient,
)

__all__ = [
    "BadRequest",
    "CannotWrite",
    "ConfigurationError",
    "DropscribeError",
    "ModelUnavailable",
    "NotFound",
    "OverLimit",
    "Permanent",
    "StoreUnavailable",
    "TimedOut",
    "TranscriptionFailed",
    "Transient",
]


class TranscriptionFailed(Permanent):
    """A recording ended without a transcript.

    Args:
        source: path or address of the audio.
        state: `FAILED`, `CANCELLED` or `DELETED`.
        reason: why, for the owner of the recording, and what to do.
        code: the same for programs: `not-media`, `no-audio`, `incomplete`, … (docs/requests.md); may be empty.
        recording: its key in the deployment; empty if there is none.
    """

    def __init__(self, *, source: str, state: str, reason: str, code: str = "", recording: str = "") -> None:
        super().__init__(f"{source}: {reason or state}")
        self.source = source
        self.state = state
        self.reason = reason
        self.code = code
        self.recording = recording
