"""The headers of every response: what a browser may do with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from starlette.types import Message

STORAGE = "https://storage.googleapis.com"
"""Where the page of a project on Google Cloud sends uploads, unless STORAGE_EMULATOR_HOST names an emulator."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{nonce}; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'{more}; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""Headers of every answer."""


def policy(*, nonce: str = "", storage: bool = False) -> str:
    """A Content-Security-Policy without inline scripts and without eval.

    Style elements of the page carry the nonce; empty: there are none.
    """
    store = os.environ.get("STORAGE_EMULATOR_HOST") or STORAGE
    return POLICY.format(nonce=f" 'nonce-{nonce}'" if nonce else "", more=f" {store}" if storage else "")


def with_headers(message: Message) -> Message:
    """A message of an answer with the headers that all answers have."""
    if message["type"] == "http.response.start":
        headers = MutableHeaders(scope=message)
        for name, value in FIXED.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", policy())
        headers.setdefault("Cache-Control", "no-store")
    return message
