"""What Google's gRPC services answer, as errors of Dropscribe that say what to do next."""

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
"""Answers after which the same call may succeed; whether it took effect is unknown."""

RPC_SECONDS = 10.0
"""How long one call may take."""
PATIENCE = 30.0
"""Seconds after which a call that keeps failing is given up: redelivery is the longer patience."""


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed if it is made again."""
    return isinstance(error, TRANSIENT)


def retrying(
    *,
    again: Callable[[BaseException], bool] = is_transient,
    seconds: float | None = None,
    on_error: Callable[[Exception], object] | None = None,
) -> Retry:
    """Exponential back-off with full jitter, from a tenth of a second to five.

    Args:
        again: which errors are worth another call.
        seconds: when to stop; `PATIENCE` where it is not said.
        on_error: told every error after which the call is made again.
    """
    patience = PATIENCE if seconds is None else seconds
    return Retry(
        predicate=again, initial=0.1, maximum=5.0, multiplier=2.0, timeout=patience, on_error=on_error
    )


@contextmanager
def translated(doing: str, *, api: str, missing: str, role: str) -> Iterator[None]:
    """Raise what Google's libraries raise as errors of Dropscribe.

    Args:
        doing: what was tried, in the present participle: `publishing to topic x`.
        api: the service that must be enabled: `pubsub.googleapis.com`.
        missing: what to do where the thing does not exist: a command.
        role: the role whose permission this needs, and on what.

    Raises:
        StoreUnavailable: trying again may help.
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
            cure = f"The service account needs {role}."
        raise ConfigurationError(f"{doing}: not permitted ({error.message}). {cure}") from error
    except (auth.GoogleAuthError, google.Unauthorized) as error:
        raise credentials.meaning(error) from error
    except google.FailedPrecondition as error:
        raise ConfigurationError(f"{doing}: refused ({error.message})") from error
    except (google.InvalidArgument, google.OutOfRange) as error:
        raise BadRequest(f"{doing}: refused ({error.message})") from error
    except google.GoogleAPIError as error:
        raise StoreUnavailable(f"{doing}: no answer ({error}); it may work the next time") from error
