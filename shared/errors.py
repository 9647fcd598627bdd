"""Every error Dropscribe raises on purpose.

    DropscribeError
    ├── Transient              raise it: the message comes again, with back-off, then the dead letter
    │   ├── StoreUnavailable   the store, the records or the queue did not answer
    │   └── ConfigurationError a setting, a role or a resource is wrong or missing; a process that
    │                          finds it at its start does not start
    └── Permanent              record FAILED with the reason, acknowledge the message
        ├── BadMedia           the recording itself cannot be transcribed
        ├── BadRequest         the request or its options make no sense
        └── ModelUnavailable   the weights are neither on disk nor to be downloaded

A message is written for the owner of the recording: what is wrong, then what to do next.
"""


class DropscribeError(Exception):
    """Something Dropscribe expected to be able to happen."""


class Transient(DropscribeError):  # noqa: N818 - the name says what to do, as `Permanent` does
    """It may work the next time."""


class StoreUnavailable(Transient):
    """The store, the records or the queue did not answer."""


class ConfigurationError(Transient):
    """The deployment is set up wrongly. What meets it comes again, because it can be mended meanwhile."""


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


class ModelUnavailable(Permanent):
    """The weights are neither on disk nor to be downloaded."""
