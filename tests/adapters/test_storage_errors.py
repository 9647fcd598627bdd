"""What each error of Cloud Storage's client means."""

from __future__ import annotations

import pytest
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from shared.adapters.storage_errors import READER, explained
from shared.errors import BadRequest, BucketRefused, ConfigurationError, Permanent, StoreUnavailable


def raised(error):
    with pytest.raises(Exception) as caught, explained("read x", "audio", READER):
        raise error
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        api.TooManyRequests("slow down"),
        api.Forbidden('{"errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded"}]}'),
        api.Forbidden("slow down", errors=[{"domain": "usageLimits", "reason": "rateLimitExceeded"}]),
        api.from_http_status(408, "too slow"),
        api.InternalServerError("oops"),
        api.ServiceUnavailable("busy"),
        api.RetryError("gave up", cause=api.GatewayTimeout("late")),
        api.RetryError("gave up", cause=None),
        requests.ConnectionError("reset"),
        requests.ReadTimeout("late"),
        ConnectionResetError("reset"),
        auth.TransportError("no metadata server"),
        auth.RefreshError("try later", retryable=True),
    ],
)
def test_what_may_work_the_next_time_is_unavailable(error):
    assert isinstance(raised(error), StoreUnavailable)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (api.Forbidden("no"), READER),
        (api.RetryError("gave up", cause=api.Forbidden("no")), READER),
        (api.NotFound("no such bucket"), "no bucket audio"),
        (api.Unauthorized("who are you"), "gcloud auth application-default login"),
        (auth.RefreshError("expired"), "gcloud auth application-default login"),
        (auth.DefaultCredentialsError("none"), "gcloud auth application-default login"),
    ],
)
def test_what_its_owner_can_correct_says_how(error, says):
    meant = raised(error)
    assert isinstance(meant, ConfigurationError)
    assert says in str(meant)


@pytest.mark.parametrize(
    "said",
    [
        "Invalid bucket name: 'A B'",
        "The specified object name is not valid.",
        "Disallowed unicode characters present in object name 'x'",
    ],
)
def test_a_refused_name_is_a_bad_request(said):
    assert isinstance(raised(api.BadRequest(said)), BadRequest)


@pytest.mark.parametrize(
    "said",
    [
        "Bucket is a requester pays bucket but no user project provided.",
        "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.",
        "User project specified in the request is invalid.",
    ],
)
def test_a_refusal_that_says_nothing_about_a_name_is_tried_again(said):
    meant = raised(api.BadRequest(said))
    assert isinstance(meant, BucketRefused)
    assert said in str(meant)
    assert isinstance(raised(api.from_http_status(423, said)), BucketRefused)


def test_a_request_that_can_never_succeed_is_permanent():
    assert type(raised(api.MethodNotAllowed("no such method"))) is Permanent


def test_the_reason_the_service_gave_is_passed_on_and_kept_short():
    meant = raised(api.Forbidden("because of the moon " * 100))
    assert "because of the moon" in str(meant)
    assert len(str(meant)) < 1000


@pytest.mark.parametrize("error", [TypeError("our mistake"), Permanent("our decision")])
def test_mistakes_and_decisions_of_our_own_stay_as_they_are(error):
    assert raised(error) is error
