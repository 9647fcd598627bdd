"""Addresses of one object that IAM signs, without a key file."""

from __future__ import annotations

import base64
import hashlib
import json
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote, urlsplit

import google.auth.transport.requests
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.auth.credentials import Credentials

from shared.adapters.gcs import GcsStore
from shared.errors import ConfigurationError, StoreUnavailable
from shared.model import StoredObject

PROJECT = "dropscribe-tests"


class Account(Credentials):
    """Credentials of a machine's service account: the name is known after the first refresh only."""

    def __init__(self):
        super().__init__()
        self.service_account_email = "default"

    def refresh(self, request):
        self.service_account_email = "worker@dropscribe-tests.iam.gserviceaccount.com"
        self.token = "fresh"


@pytest.fixture
def iam(monkeypatch):
    """IAM's signBlob, with a key that only it has."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    iam = SimpleNamespace(key=key.public_key(), asked=[], status=200, data=None)

    def call(_self, url, method="GET", body=None, headers=None, timeout=None, **_):
        iam.asked.append((method, url, headers["Authorization"]))
        signed = key.sign(base64.b64decode(json.loads(body)["payload"]), padding.PKCS1v15(), hashes.SHA256())
        data = iam.data or b'{"signedBlob": "%s"}' % base64.b64encode(signed)
        return SimpleNamespace(status=iam.status, data=data)

    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(google.auth.transport.requests.Request, "__call__", call)
    return iam


SOURCE = StoredObject(bucket="audio", name="a b/été.mp3", generation=17, size=5)


def test_a_signed_address_is_signed_by_iam_for_one_generation(iam):
    """Recomputes the string to sign from the address, as cloud.google.com/storage/docs/authentication/
    canonical-requests describes it."""
    store = GcsStore(PROJECT, Account())
    url = urlsplit(store.signed_url(SOURCE, 600.0))
    store.close()
    assert url.netloc == "storage.googleapis.com"
    assert url.path == "/audio/" + quote("a b/été.mp3")
    query = dict(parse_qsl(url.query))
    signature = bytes.fromhex(query.pop("X-Goog-Signature"))
    assert query["generation"] == "17"
    assert query["X-Goog-Expires"] == "600"
    account = "worker@dropscribe-tests.iam.gserviceaccount.com"
    scope = f"{query['X-Goog-Date'][:8]}/auto/storage/goog4_request"
    assert query["X-Goog-Credential"] == f"{account}/{scope}"
    canonical_query = "&".join(sorted(f"{k}={quote(v, safe='')}" for k, v in query.items()))
    request = f"GET\n{url.path}\n{canonical_query}\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"GOOG4-RSA-SHA256\n{query['X-Goog-Date']}\n{scope}\n{digest}"
    iam.key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    method, asked, token = iam.asked[0]
    assert (method, token) == ("POST", "Bearer fresh")
    assert f"/serviceAccounts/{account}:signBlob" in asked


def test_a_signed_address_lives_a_week_at_most(iam):
    store = GcsStore(PROJECT, Account())
    query = dict(parse_qsl(urlsplit(store.signed_url(SOURCE, 1e9)).query))
    store.close()
    assert query["X-Goog-Expires"] == "604800"


def test_an_account_that_may_not_sign_learns_the_role_it_needs(iam):
    iam.status, iam.data = 403, b'{"error": {"status": "PERMISSION_DENIED"}}'
    store = GcsStore(PROJECT, Account())
    with pytest.raises(ConfigurationError, match=r"worker@.*roles/iam.serviceAccountTokenCreator"):
        store.signed_url(SOURCE, 600.0)
    store.close()


def test_iam_that_does_not_answer_is_unavailable(iam):
    iam.status, iam.data = 503, b"try later"
    store = GcsStore(PROJECT, Account())
    with pytest.raises(StoreUnavailable):
        store.signed_url(SOURCE, 600.0)
    store.close()
