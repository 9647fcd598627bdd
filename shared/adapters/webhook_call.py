"""Calls an address outside that somebody named, with httpcore: one connection, one request, one status.

The name is resolved here, and the connection goes to the address that was checked: a name that says something else a
moment later (DNS rebinding) changes nothing. TLS still proves the name. No redirect is followed and no proxy is used. All
of a call has one deadline and one limit of bytes, so that an answer that drips or never ends costs nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpcore

from shared.errors import Transient

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

SECONDS = 20.0
"""For a call, from the connection to the headers of the answer."""
CONNECT_SECONDS = 10.0
"""For a connection."""
MOST_BYTES = 64 * 1024
"""Of an answer that are read. Its body says nothing, and is left unread beyond what came with the headers."""

_TUNNELS = tuple(map(ipaddress.ip_network, ("2002::/16", "2001::/32", "::/96", "64:ff9b:1::/48")))
"""6to4, Teredo, IPv4-compatible and local NAT64 addresses: they lead to others."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The last 32 bits are the address that it leads to (RFC 6052)."""


class Sender:
    """Posts to an address. Safe to use from several threads.

    Args:
        public_only: refuse addresses that are not on the public internet.
        seconds: for a call.
    """

    def __init__(self, *, public_only: bool, seconds: float = SECONDS) -> None:
        self._public_only = public_only
        self._seconds = seconds

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, /) -> int:
        """Post a body; returns the status of the answer.

        Raises:
            Transient: there was no answer, or the address may not be called.
        """
        host = urlsplit(url).hostname or ""
        backend = _Checked(public_only=self._public_only, deadline=time.monotonic() + self._seconds)
        waits = dict.fromkeys(("read", "write", "pool"), self._seconds) | {"connect": CONNECT_SECONDS}
        try:
            with (
                httpcore.ConnectionPool(network_backend=backend, max_connections=1) as pool,
                pool.stream(
                    "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": waits}
                ) as answer,
            ):
                return int(answer.status)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            # Its text may quote the address, which may hold a token.
            raise Transient(f"{host} did not answer ({type(error).__name__}).") from error


class _Checked(httpcore.NetworkBackend):
    """Connects to addresses that were checked."""

    def __init__(self, *, public_only: bool, deadline: float) -> None:
        self._public_only = public_only
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of a name that takes one.

        Raises:
            Transient: an address of the name is not public.
            httpcore.ConnectError: there is no address, or none of them takes a connection.
        """
        found = resolve(host, port)
        if self._public_only and (private := [one for one in found if not is_public(one)]):
            raise Transient(
                f"{host} is {private[0]}, which is no public address, and is not called: webhooks of a project go to "
                "the internet only."
            )
        last = httpcore.ConnectError("no address")
        for address in found:
            left = self._deadline - time.monotonic()
            if left <= 0:
                break
            wait = left if timeout is None else min(timeout, left)
            try:
                stream = self._backend.connect_tcp(address, port, wait, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = httpcore.ConnectError(type(error).__name__)
            else:
                return _Bounded(stream, self._deadline)
        raise last

    def sleep(self, seconds: float) -> None:
        """Nothing waits: a call is made once."""


class _Bounded(httpcore.NetworkStream):
    """A connection with a deadline, and with an end to what it reads."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._left = MOST_BYTES

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What came, as long as there is time and it is not too much."""
        if self._left <= 0:
            raise httpcore.ReadError("the answer is too long")
        data = self._stream.read(min(max_bytes, self._left), self._wait(timeout, httpcore.ReadTimeout))
        self._left -= len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        self._stream.write(buffer, self._wait(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection with TLS."""
        wait = self._wait(timeout, httpcore.ConnectTimeout)
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, wait), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore wants to know of it."""
        return self._stream.get_extra_info(info)

    def _wait(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise late("it took too long")
        return left if timeout is None else min(timeout, left)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the system's order. Numbers in odd spellings (0x7f.1, 2130706433) are addresses, too.

    Raises:
        httpcore.ConnectError: there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("the name is not known") from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: str) -> bool:
    """Whether an address is on the public internet, wherever it leads in the end."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if any(ip in one for one in _TUNNELS):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
