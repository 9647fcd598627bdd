"""Errors of Google's gRPC services as errors of Dropscribe, which say what to do next."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from google.api_core import exceptions as google
from google.api_core.retry import Retry
from google.auth import exceptions as auth

from shared.adapters import credentials
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRANSIENT = (
    google.Aborted,
    google.Cancelled,
    google.DeadlineExceeded,
    google.InternalServerError,
    google.ResourceExhausted,
    google.ServiceUnavailable,
    google.Unknown,
)
"""Errors after which the same call may succeed; whether it took effect is unknown."""

RPC_SECONDS = 10.0
"""Timeout of one call, seconds."""
PATIENCE = 30.0
"""Seconds after which a call that keeps failing is given up; redelivery retries for longer."""


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed on a retry."""
    return isinstance(error, TRANSIENT)


def retrying(
    *,
    again: Callable[[BaseException], bool] = is_transient,
    seconds: float | None = None,
    on_error: Callable[[Exception], object] | None = None,
) -> Retry:
    """Exponential back-off with full jitter, from a tenth of a second to five, until `seconds` have passed."""
    patience = PATIENCE if seconds is None else seconds
    return Retry(
        predicate=again, initial=0.1, maximum=5.0, multiplier=2.0, timeout=patience, on_error=on_error
    )


@contextmanager
def translated(doing: str, *, api: str, missing: str, role: str) -> Iterator[None]:
    """Convert exceptions of Google's libraries to errors of Dropscribe.

    Args:
        doing: what was tried, as a present participle: `publishing to topic x`.
        api: the service that must be enabled: `pubsub.googleapis.com`.
        missing: what to do if the resource does not exist: a command.
        role: the role with the needed permission, and its resource.

    Raises:
        StoreUnavailable: a retry may help.
        ConfigurationError: something is missing, not permitted or not set up.
        BadRequest: the service will never accept this.
    """
    try:
        yield
    except google.NotFound as error:
        raise ConfigurationError(f"{doing}: it does not exist ({error.message}). {missing}") from error
    except google.PermissionDenied as error:
        if error.reason == "SERVICE_DISABLED":
            cure = f"Enable the service: gcloud services enable {api}"
        else:
            cure = f"Give the service account {role}."
        raise ConfigurationError(f"{doing}: not permitted ({error.message}). {cure}") from error
    except (auth.GoogleAuthError, google.Unauthorized) as error:
        raise credentials.meaning(error) from error
    except google.FailedPrecondition as error:
        raise ConfigurationError(f"{doing}: refused ({error.message})") from error
    except (google.InvalidArgument, google.OutOfRange) as error:
        raise BadRequest(f"{doing}: refused ({error.message})") from error
    except google.GoogleAPIError as error:
        raise StoreUnavailable(f"{doing}: no answer ({error}); it may succeed next time") from error
