"""One call of Google: what passes is repeated if that is safe, and an error says what it was."""

from __future__ import annotations

import pytest

from deployment.api import Api, Refused
from shared.errors import StoreUnavailable
from tests.deployment.google import Answer, no


class Session:
    def __init__(self, *answers):
        self.answers, self.calls = list(answers), 0

    def request(self, *_, **__):
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def api(*answers):
    session = Session(*answers)
    return Api("my-project", session=session, sleep=lambda _: None), session


def test_a_reading_call_is_repeated_twice_and_then_given_up():
    one, _ = api(no(503, "later"), no(500, "later"), Answer({"a": 1}))
    assert one.call("GET", "x.googleapis.com/v1") == {"a": 1}
    one, session = api(*[no(503, "later")] * 3)
    with pytest.raises(StoreUnavailable, match=r"answers 503 now: later\. Run it again"):
        one.call("GET", "x.googleapis.com/v1")
    assert session.calls == 3


def test_a_call_that_changes_something_is_made_once():
    one, session = api(no(503, "later"))
    with pytest.raises(StoreUnavailable):
        one.call("POST", "x.googleapis.com/v1")
    assert session.calls == 1


def test_a_refusal_carries_its_status_and_reason():
    one, _ = api(no(403, "it is off", "SERVICE_DISABLED"))
    with pytest.raises(Refused, match="it is off") as caught:
        one.call("POST", "x.googleapis.com/v1")
    assert (caught.value.status, caught.value.reason) == (403, "SERVICE_DISABLED")


def test_nothing_there_is_none_and_anything_else_is_raised():
    one, _ = api(no(404, "none"), no(403, "no"))
    assert one.get("x.googleapis.com/v1") is None
    with pytest.raises(Refused):
        one.get("x.googleapis.com/v1")


def test_of_a_service_that_is_off_nothing_stands():
    one, _ = api(no(403, "it is off", "SERVICE_DISABLED"), no(404, "none"), Answer({}), no(403, "no"))
    assert [one.exists("x.googleapis.com/v1") for _ in range(3)] == [False, False, True]
    with pytest.raises(Refused):
        one.exists("x.googleapis.com/v1")


def test_it_looks_until_there_is_something_or_the_time_is_over():
    found, waits = iter([None, "", "here", "never"]), []
    one = Api("my-project", sleep=waits.append)
    assert one.wait(lambda: next(found), 5.0, 15.0) == "here"
    assert waits == [5.0, 5.0]
    assert one.wait(lambda: waits.append("looked"), 5.0, 12.0) is None
    assert waits[2:] == ["looked", 5.0] * 3


def test_a_long_operation_is_waited_for():
    begun = {"name": "operations/1"}
    one, _ = api(Answer(begun), Answer({**begun, "done": True, "response": {"a": 1}}))
    assert one.settle("x.googleapis.com/v1", begun, 60) == {"a": 1}
    one, _ = api(Answer({**begun, "done": True, "error": {"code": 9, "message": "no quota"}}))
    with pytest.raises(Refused, match="no quota"):
        one.settle("x.googleapis.com/v1", begun, 60)
    one, _ = api(*[Answer(begun)] * 3)
    with pytest.raises(StoreUnavailable, match="is still running after 10 s"):
        one.settle("x.googleapis.com/v1", begun, 10)
