"""What Google answers, as errors that say what to do next."""

from __future__ import annotations

import pytest
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from shared.adapters.google_errors import is_transient, retrying, translated
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable

DOING = {
    "doing": "publishing to topic x",
    "api": "pubsub.googleapis.com",
    "missing": "Create it: gcloud pubsub topics create x",
    "role": "roles/pubsub.publisher on topic x",
}


class Disabled(google.PermissionDenied):
    reason = "SERVICE_DISABLED"


@pytest.mark.parametrize(
    ("raised", "kind", "says"),
    [
        (google.NotFound("gone"), ConfigurationError, r"does not exist \(gone\). Create it: gcloud"),
        (
            google.PermissionDenied("no"),
            ConfigurationError,
            "Give the service account roles/pubsub.publisher on topic x",
        ),
        (Disabled("off"), ConfigurationError, "gcloud services enable pubsub.googleapis.com"),
        (auth.DefaultCredentialsError("none"), ConfigurationError, "gcloud auth application-default login"),
        (google.FailedPrecondition("index"), ConfigurationError, r"refused \(index\)"),
        (google.InvalidArgument("name"), BadRequest, r"refused \(name\)"),
        (google.OutOfRange("size"), BadRequest, r"refused \(size\)"),
        (google.ServiceUnavailable("later"), StoreUnavailable, "no answer .*later"),
        (google.RetryError("tired", cause=None), StoreUnavailable, "no answer .*tired"),
    ],
)
def test_each_answer_says_what_to_do(raised, kind, says):
    with pytest.raises(kind, match=says) as told, translated(**DOING):
        raise raised
    assert type(told.value) is kind
    assert told.value.__cause__ is raised


def test_what_is_not_googles_passes_through():
    with pytest.raises(ZeroDivisionError), translated(**DOING):
        raise ZeroDivisionError


def test_only_answers_that_may_change_are_asked_for_again():
    told, errors = [], [google.ServiceUnavailable("1"), google.Aborted("2")]

    def call():
        if errors:
            raise errors.pop(0)
        return "done"

    assert retrying(on_error=told.append).with_delay(initial=0.001, maximum=0.001)(call)() == "done"
    assert [str(one) for one in told] == ["503 1", "409 2"]
    assert is_transient(google.DeadlineExceeded("x"))
    assert not is_transient(google.NotFound("x"))
    errors = [google.NotFound("never")]
    with pytest.raises(google.NotFound):
        retrying()(call)()
