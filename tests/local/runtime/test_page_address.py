"""Where the page is served."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from local.runtime.page_address import page_address
from local.runtime.processes import reserved
from shared.settings import Settings
from tests.ports import free_port


def test_the_port_of_the_settings_is_reserved_and_given_back():
    port = free_port()
    with ExitStack() as stack:
        page = page_address(Settings(console_port=port), stack)
        assert page.port == port
        assert page.address == f"http://127.0.0.1:{port}/?token={page.token}"
        reserved(port).close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", port))


def test_a_port_that_another_one_has_is_not_shared_with_it():
    port = free_port()
    with ExitStack() as stack:
        first = page_address(Settings(console_port=port), stack)
        second = page_address(Settings(console_port=port), stack)
        assert first.port == port
        assert second.port != port
        assert second.token != first.token


def test_the_token_of_the_settings_is_used_and_no_text_of_it_has_it():
    with ExitStack() as stack:
        page = page_address(Settings(console_port=0, console_token="0123456789abcdef"), stack)
    assert "0123456789abcdef" not in repr(page)
    assert page.address.endswith("?token=0123456789abcdef")
