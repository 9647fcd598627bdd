"""Google's REST APIs through one function: JSON in and out, errors as sentences."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from google.auth import exceptions as auth
from google.auth.transport.requests import AuthorizedSession
from requests import exceptions as http

from shared.adapters import credentials
from shared.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import Response

T = TypeVar("T")

SECONDS = 60.0
"""Most seconds of one call."""
AGAIN = (1.0, 4.0)
"""Pauses before a call that may be repeated is repeated, seconds."""
PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Status codes after which the same call may succeed."""
DISABLED = "SERVICE_DISABLED"
"""Reason of a refusal by a service that the project has not enabled."""
POLL = 5.0
"""Seconds between two polls of a long operation."""


class Refused(ConfigurationError):  # noqa: N818 - see `Transient` in shared/errors.py
    """Google refused a call.

    Args:
        message: what was refused, and what it said.
        status: HTTP status code.
        reason: Google's word for it, such as `DISABLED`; empty if there is none.
    """

    def __init__(self, message: str, status: int, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Api:
    """Calls Google in the name of the person or account that runs this.

    Args:
        project: that pays for a person's calls of services without a project of their own, such as quotas; empty for
            an account of the project itself, which may not say so.
        session: an open session to use instead of the application default credentials.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        project: str = "",
        session: AuthorizedSession | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._project = project
        self._session = session
        self.sleep = sleep

    def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> dict[str, Any]:
        """One call; GET, PUT and DELETE are repeated when the network or Google fails.

        The address comes without `https://`; data are sent as they are, a body as JSON.

        Raises:
            Refused: Google says no; the status says how.
            StoreUnavailable: Google did not answer.
            ConfigurationError: there are no credentials.
        """
        pauses = AGAIN if method in {"GET", "PUT", "DELETE"} else ()
        for pause in (*pauses, None):
            try:
                answer = self._once(method, url, body, params, data)
            except (http.ConnectionError, http.Timeout, auth.TransportError) as error:
                if pause is None:
                    raise StoreUnavailable(f"{_host(url)} did not answer ({error}). Run it again.") from error
            else:
                if answer.status_code not in PASSING or (pause is None and answer.status_code == 429):
                    return _content(method, url, answer)
                if pause is None:
                    raise StoreUnavailable(
                        f"{_host(url)} answers {answer.status_code} now: {_said(answer)[0]}. Run it again."
                    )
            self.sleep(pause)
        raise AssertionError("the last turn returns or raises")

    def get(self, url: str, **params: str) -> dict[str, Any] | None:
        """What is at an address, or None if there is nothing.

        Raises:
            Refused: Google says no for another reason.
            StoreUnavailable: Google did not answer.
        """
        try:
            return self.call("GET", url, params=params)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def exists(self, url: str) -> bool:
        """Whether something exists at an address. Where a service is not enabled yet, there is nothing of it.

        Raises:
            Refused: Google says no for another reason.
            StoreUnavailable: Google did not answer.
        """
        try:
            return self.get(url) is not None
        except Refused as error:
            if error.reason == DISABLED:
                return False
            raise

    def wait(self, poll: Callable[[], T], every: float, seconds: float) -> T | None:
        """Poll until something is found, and return it; None if nothing is in time.

        `poll` is called every `every` seconds, for at most `seconds`; what counts as false is nothing.
        """
        waited = 0.0
        while waited < seconds:
            if found := poll():
                return found
            self.sleep(every)
            waited += every
        return None

    def settle(self, service: str, operation: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Wait for the end of a long operation; returns what it answers.

        The service is host and version, `run.googleapis.com/v2`; the operation is as the call returned it.

        Raises:
            Refused: it ended with an error.
            StoreUnavailable: it has not ended; it goes on without us.
        """
        waited, now = 0.0, dict(operation)
        while not now.get("done"):
            if waited >= seconds:
                raise StoreUnavailable(
                    f"{now.get('name')} is still running after {seconds:.0f} s. Run the command again."
                )
            self.sleep(POLL)
            waited += POLL
            now = self.call("GET", f"{service}/{now['name']}")
        if error := now.get("error"):
            raise Refused(f"{_host(service)}: {error.get('message', error)}", int(error.get("code", 0)))
        return dict(now.get("response", {}))

    def _once(
        self, method: str, url: str, body: Any, params: Mapping[str, str] | None, data: bytes | None
    ) -> Response:
        if self._session is None:
            self._session = AuthorizedSession(credentials.default())  # type: ignore[no-untyped-call]  # google-auth's
        try:
            answer: Response = self._session.request(  # type: ignore[no-untyped-call]  # google-auth's
                method,
                f"https://{url}",
                json=body,
                params=params,
                data=data,
                timeout=SECONDS,
                # A person's own credentials have no project that could pay.
                headers={"x-goog-user-project": self._project} if self._project else {},
            )
        except auth.TransportError:
            raise
        except auth.GoogleAuthError as error:
            raise credentials.meaning(error) from error
        return answer


def _content(method: str, url: str, answer: Response) -> dict[str, Any]:
    if answer.ok:
        return dict(answer.json()) if answer.content else {}
    said, reason = _said(answer)
    raise Refused(f"{method} {url}: {said}", answer.status_code, reason)


def _said(answer: Response) -> tuple[str, str]:
    """Message and reason of an error, in the form that all of Google's services share."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return answer.text[:300] or str(answer.status_code), ""
    if not isinstance(error, dict):
        return str(error), ""
    reasons = [one.get("reason", "") for one in error.get("details", ()) if isinstance(one, dict)]
    return str(error.get("message", error)), next((one for one in reasons if one), "")


def _host(url: str) -> str:
    return url.partition("/")[0]
