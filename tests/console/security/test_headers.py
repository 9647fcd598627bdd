from __future__ import annotations

import pytest

from console.security.headers import policy


@pytest.mark.parametrize(
    "path", ["/health", "/api/v1/about", "/api/v1/nothing", "/page/nothing.js", "/v1/models"]
)
def test_every_answer_says_what_a_browser_may_do(client, path):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"]


def test_refusals_say_it_too(client):
    headers = client.get("/api/v1/about", headers={"Authorization": ""}).headers
    assert headers["x-frame-options"] == "DENY"


def test_nothing_inline_and_no_eval_is_allowed():
    found = policy(nonce="abc")
    assert "unsafe" not in found
    assert "script-src 'self';" in found
    assert "style-src 'self' 'nonce-abc';" in found
    assert "storage.googleapis.com" not in found
    assert "connect-src 'self' https://storage.googleapis.com;" in policy(storage=True)
