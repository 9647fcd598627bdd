"""A server with TLS on this machine for a name that is somewhere else, and what a client must trust to believe it."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from contextlib import closing, contextmanager, suppress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "recordings.example"
"""The name that the certificate proves."""
ADDRESS = "127.0.0.2"
"""Where it is served: of this machine, but no other test's."""


def _certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return folder / "server.pem"


class Server:
    """Answers by path. `answers` has for each path the bytes to send, or a function of the connection."""

    def __init__(self, folder, listener):
        path = _certificate(folder)
        self.tls = ssl.create_default_context(cafile=path)
        """For a client."""
        self.port = listener.getsockname()[1]
        self.answers = {}
        self.taken = []
        """The requests, as they came."""
        self._listener = listener
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(path)

    def url(self, path):
        return f"https://{HOST}:{self.port}{path}"

    @property
    def way(self):
        """What a `Download` must be given to come here."""
        return {"public_only": False, "resolver": lambda _host, _port: [ADDRESS], "tls": self.tls}

    def serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, plain):
        with suppress(OSError), closing(self._context.wrap_socket(plain, server_side=True)) as connection:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := connection.recv(65536)):
                    return
                head += more
            self.taken.append(head.decode())
            path = head.split(b" ", 2)[1].decode().partition("?")[0]
            answer = self.answers.get(path, status(404))
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)


def ok(body, *headers):
    """An answer with a body and its length."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status(code, *headers):
    """An answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {code} Said", "Content-Length: 0", *headers]).encode() + b"\r\n\r\n"


@contextmanager
def https_server(folder):
    """A server for as long as the block lasts.

    Args:
        folder: for its certificate.
    """
    with closing(socket.create_server((ADDRESS, 0))) as listener:
        server = Server(folder, listener)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
