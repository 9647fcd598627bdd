"""Which addresses are public, and what names lead to. `test_webhook_call` and `test_download` connect to them."""

import socket
import ssl
import time
from dataclasses import replace

import httpcore
import pytest

from shared.adapters.web.connection import CheckedBackend, Limits, _Bounded, is_public, resolve


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public_addresses_may_be_called(address):
    assert is_public(address)


def test_a_name_that_nobody_knows_has_no_address():
    with pytest.raises(httpcore.ConnectError):
        resolve("a..b", 443)


@pytest.mark.parametrize(
    "address",
    [
        "fec0::1",
        "168.63.129.16",
        "192.0.0.192",
        "192.88.99.1",
        "3fff::1",
        "2600::200:5efe:10.0.0.1",
        "2600::5efe:10.0.0.1",
    ],
)
def test_addresses_that_only_look_public_are_not(address):
    assert not is_public(address)


def test_a_connection_whose_time_is_up_before_tls_is_closed():
    limits = Limits(deadline=time.monotonic() + 60, most_bytes=1, public_only=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = CheckedBackend(limits).connect_tcp(*server.getsockname())
        late = _Bounded(stream._stream, replace(limits, deadline=0.0))
        with pytest.raises(httpcore.ConnectTimeout):
            late.start_tls(ssl.create_default_context())
    assert stream.get_extra_info("socket").fileno() == -1
