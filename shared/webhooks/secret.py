"""A new secret for webhooks, in the form of Standard Webhooks."""

from __future__ import annotations

import base64
import secrets

BYTES = 32
"""Bytes of a secret; Standard Webhooks asks for 24 to 64."""


def new() -> str:
    """A new secret: `whsec_` and random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(BYTES)).decode()}"
