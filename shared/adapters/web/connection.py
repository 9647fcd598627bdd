"""Connections to addresses on the internet that callers or operators named, for httpcore.

The name is resolved here, and the connection goes to the address that was checked: a name that says something else a
moment later (DNS rebinding) changes nothing. TLS still proves the name. All of a call has one deadline and one limit of
bytes, so that an answer that drips or never ends costs nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

CONNECT_SECONDS = 10.0
"""For a connection."""

_TUNNELS = tuple(map(ipaddress.ip_network, ("2002::/16", "2001::/32", "::/96", "64:ff9b:1::/48")))
"""6to4, Teredo, IPv4-compatible and local NAT64 addresses: they lead to others."""
_INNER = tuple(
    map(
        ipaddress.ip_network,
        ("fec0::/10", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "100.64.0.0/10"),
    )
)
"""Site-local and documentation addresses, and those at which clouds tell their machines secrets (Oracle, Azure); Python
takes some of them for global."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third quarter of an ISATAP address (RFC 5214); the last one is the address that it leads to."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The last 32 bits are the address that it leads to (RFC 6052)."""


class NotPublicError(Exception):
    """A name leads to an address that is not on the public internet."""

    def __init__(self, host: str, address: str) -> None:
        leads = "" if host == address else f"{address}, which is "
        super().__init__(f"{host} is {leads}not a public address")
        self.host = host
        self.address = address


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a call may take."""

    deadline: float
    """When it ends, as `time.monotonic` counts."""
    most_bytes: int
    """Bytes of an answer that are read at most, headers included."""
    public_only: bool
    """Refuse addresses that are not on the public internet."""


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked."""

    def __init__(self, limits: Limits, resolver: Callable[[str, int], list[str]] | None = None) -> None:
        self._limits = limits
        self._resolve = resolver or resolve
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
            NotPublicError: an address of the name is not public.
            httpcore.ConnectError: there is no address, or none of them takes a connection.
        """
        found = self._resolve(host, port)
        if self._limits.public_only and (private := [one for one in found if not is_public(one)]):
            raise NotPublicError(host, private[0])
        last = httpcore.ConnectError("no address")
        for address in found:
            left = self._limits.deadline - time.monotonic()
            if left <= 0:
                break
            wait = left if timeout is None else min(timeout, left)
            try:
                stream = self._backend.connect_tcp(address, port, wait, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = httpcore.ConnectError(type(error).__name__)
            else:
                return _Bounded(stream, self._limits)
        raise last

    def sleep(self, seconds: float) -> None:
        """Nothing waits: a call is made once."""


class _Bounded(httpcore.NetworkStream):
    """A connection with a deadline, and with an end to what it reads."""

    def __init__(self, stream: httpcore.NetworkStream, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._left = limits.most_bytes

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
        try:
            wait = self._wait(timeout, httpcore.ConnectTimeout)
        except httpcore.ConnectTimeout:
            self.close()  # httpcore expects it of whoever raises here
            raise
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, wait), self._limits)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore wants to know of it."""
        return self._stream.get_extra_info(info)

    def _wait(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        left = self._limits.deadline - time.monotonic()
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
        if any(ip in one for one in _TUNNELS) or (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP:
            return False
    if any(ip in one for one in _INNER):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
