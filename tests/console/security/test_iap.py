"""The signature of Identity-Aware Proxy, with keys of our own."""

from __future__ import annotations

import pytest
from google.auth.transport import requests
from starlette.datastructures import Headers

from console.security.iap import HEADER, LASTS, Kept, signed_by_iap
from tests.google.proxy import Proxy

AUDIENCE = "/projects/7/locations/europe-west4/services/console"


@pytest.fixture
def proxy(monkeypatch):
    """A proxy whose keys are fetched."""
    made = Proxy()

    class Answer:
        status = 200
        data = made.keys

    monkeypatch.setattr(requests.Request, "__call__", lambda self, url, method="GET", **more: Answer())
    return made


def header(proxy, **more):
    return Headers(proxy.header(AUDIENCE, "ann@example.com", **more))


def test_a_genuine_header_names_the_account(proxy):
    assert signed_by_iap(AUDIENCE)(header(proxy)) == "ann@example.com"


@pytest.mark.parametrize(
    "claims", [{"aud": "/projects/8"}, {"iss": "https://evil.example"}, {"exp": 5, "iat": 1}]
)
def test_one_for_another_service_from_another_issuer_or_of_yesterday_names_nobody(proxy, claims):
    assert signed_by_iap(AUDIENCE)(header(proxy, **claims)) == ""


def test_one_with_another_key_or_none_at_all_names_nobody(proxy):
    forged = header(Proxy())
    verify = signed_by_iap(AUDIENCE)
    assert verify(forged) == ""
    assert verify(Headers({})) == ""
    assert verify(Headers({HEADER: "a.b.c"})) == ""


def test_keys_are_fetched_once_an_hour_however_many_ask():
    asked, now, status = [], [100.0], [503]

    class Answer:
        def __init__(self):
            self.status = status[0]

    def fetch(url, method="GET"):
        asked.append(url)
        return Answer()

    kept = Kept(fetch, lambda: now[0])
    assert {kept("u").status for _ in range(9)} == {503}
    now[0], status[0] = 200.0, 200
    assert {kept("u").status for _ in range(9)} == {200}
    now[0] += LASTS + 1
    kept("u")
    assert len(asked) == 3


def test_a_request_without_a_signature_fetches_nothing(monkeypatch):
    monkeypatch.setattr(requests.Request, "__call__", lambda *_args, **_more: pytest.fail("it fetched"))
    assert signed_by_iap(AUDIENCE)(Headers({})) == ""
