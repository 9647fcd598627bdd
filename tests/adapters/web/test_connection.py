"""Which addresses are public, and what names lead to. `test_webhook_call` and `test_download` connect to them."""

import httpcore
import pytest

from shared.adapters.web.connection import is_public, resolve


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
