"""The signature of Identity-Aware Proxy, with keys of our own."""

from __future__ import annotations

import json
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth import crypt, jwt
from google.auth.transport import requests
from starlette.datastructures import Headers

from console.security.iap import HEADER, ISSUER, LASTS, Kept, signed_by_iap

AUDIENCE = "/projects/7/locations/europe-west4/services/console"


@pytest.fixture
def signer(monkeypatch):
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    class Answer:
        status = 200
        data = json.dumps({"k1": public.decode()}).encode()

    monkeypatch.setattr(requests.Request, "__call__", lambda self, url, method="GET", **more: Answer())
    return crypt.ES256Signer.from_string(private, key_id="k1")


def header(signer, **more):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 600, "email": "ann@example.com"}
    return Headers({HEADER: jwt.encode(signer, claims | more, key_id="k1").decode()})


def test_a_genuine_header_names_the_account(signer):
    assert signed_by_iap(AUDIENCE)(header(signer)) == "ann@example.com"


@pytest.mark.parametrize(
    "claims", [{"aud": "/projects/8"}, {"iss": "https://evil.example"}, {"exp": 5, "iat": 1}]
)
def test_one_for_another_service_from_another_issuer_or_of_yesterday_names_nobody(signer, claims):
    assert signed_by_iap(AUDIENCE)(header(signer, **claims)) == ""


def test_one_with_another_key_or_none_at_all_names_nobody(signer):
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    forged = header(crypt.ES256Signer.from_string(private, key_id="k1"))
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
