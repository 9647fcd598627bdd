"""A stand-in for Identity-Aware Proxy: it signs who asks, with a key of its own.

usage: python -m tests.google.proxy KEYS MODULE [ARGUMENT…]

runs a module like `python -m`, for which the keys of the proxy are at the address KEYS.
"""

from __future__ import annotations

import json
import runpy
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth import crypt, jwt

from console.security import iap

if TYPE_CHECKING:
    from collections.abc import Iterator

LASTS = 3600
"""Seconds for which what it signs is valid."""


class Proxy:
    """Signs, and gives its keys to whoever asks for them."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._signer = crypt.ES256Signer.from_string(private, key_id="k1")
        self.keys = json.dumps({"k1": public.decode()}).encode()
        self.address = ""

    def header(self, audience: str, account: str, **more: object) -> dict[str, str]:
        """What it adds to the requests of an account; `more` are other claims, or other values of these."""
        now = int(time.time())
        claims = {"iss": iap.ISSUER, "aud": audience, "iat": now, "exp": now + LASTS, "email": account}
        return {iap.HEADER: jwt.encode(self._signer, claims | more, key_id="k1").decode()}


@contextmanager
def proxy() -> Iterator[Proxy]:
    """One whose keys are served."""
    made = Proxy()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(made.keys)))
            self.end_headers()
            self.wfile.write(made.keys)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        made.address = f"http://127.0.0.1:{server.server_port}/keys"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Be the module."""
    _, iap.KEYS, module, *arguments = sys.argv
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
