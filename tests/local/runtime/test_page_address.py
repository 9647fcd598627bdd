"""Where the page is served."""

from __future__ import annotations

import socket
import stat
from contextlib import ExitStack

import pytest

from local.runtime.page_address import page_address, running, way_in
from local.runtime.processes import reserved
from shared.settings import Settings
from tests.ports import free_port


def test_the_port_of_the_settings_is_reserved_and_given_back(tmp_path):
    port = free_port()
    with ExitStack() as stack:
        page = page_address(Settings(console_port=port, state_dir=tmp_path), stack)
        assert page.port == port
        assert page.address == f"http://127.0.0.1:{port}/?token={page.token}"
        reserved(port).close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", port))


def test_a_port_that_another_one_has_is_not_shared_with_it(tmp_path):
    port = free_port()
    with ExitStack() as stack:
        first = page_address(Settings(console_port=port, state_dir=tmp_path), stack)
        second = page_address(Settings(console_port=port, state_dir=tmp_path), stack)
        assert first.port == port
        assert second.port != port
        assert second.token != first.token


def test_the_token_of_the_settings_is_used_and_no_text_of_it_has_it(tmp_path):
    with ExitStack() as stack:
        page = page_address(
            Settings(console_port=0, console_token="0123456789abcdef", state_dir=tmp_path), stack
        )
    assert "0123456789abcdef" not in repr(page)
    assert page.address.endswith("?token=0123456789abcdef")


def test_the_page_that_is_served_is_found_until_it_is_not(tmp_path):
    settings = Settings(console_port=free_port(), state_dir=tmp_path / "new")
    assert running(settings) is None
    with ExitStack() as stack:
        page = page_address(settings, stack)
        assert running(settings) == page
        assert running(settings) == page
        place = tmp_path / "new" / "page.json"
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        with ExitStack() as other:
            page_address(settings, other)
            assert running(settings) == page
        assert running(settings) == page
        assert running(Settings(platform="google", project="project-1", state_dir=tmp_path / "new")) is None
        kept = place.read_text("utf-8")
    assert running(settings) is None
    assert place.read_text("utf-8") == ""
    # What a process left that was killed is not believed.
    place.write_text(kept, "utf-8")
    assert running(settings) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"port": "x", "token": 1}'])
def test_a_damaged_note_is_none(tmp_path, text, monkeypatch):
    (tmp_path / "page.json").write_text(text, "utf-8")
    monkeypatch.setattr("local.runtime.page_address.fcntl.flock", refused)
    assert running(Settings(state_dir=tmp_path)) is None


def refused(*_):
    raise BlockingIOError


def test_the_way_in_is_for_this_account_alone_and_goes_with_the_page(tmp_path):
    settings = Settings(console_port=free_port(), state_dir=tmp_path)
    with ExitStack() as stack:
        page = page_address(settings, stack)
        path = way_in(page.at("/recordings/x"), settings)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert f"url={page.at('/recordings/x')}" in path.read_text("utf-8")
        way_in(page.address, settings)
        assert "recordings" not in path.read_text("utf-8")
    assert not path.exists()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        way_in(page.address, settings)


def test_the_address_is_that_at_which_it_listens(tmp_path):
    for host, said in {
        "0.0.0.0": "127.0.0.1",
        "127.0.0.2": "127.0.0.2",
        "::": "[::1]",
        "::1": "[::1]",
    }.items():
        settings = Settings(console_port=free_port(), console_host=host, state_dir=tmp_path)
        with ExitStack() as stack:
            page = page_address(settings, stack)
            assert page.address.startswith(f"http://{said}:{page.port}/?token=")
            assert running(settings) == page


def test_a_port_that_is_taken_at_that_address_is_not_served_there(tmp_path):
    with socket.socket() as other, ExitStack() as stack:
        other.bind(("127.0.0.2", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = Settings(console_port=port, console_host="127.0.0.2", state_dir=tmp_path)
        assert page_address(settings, stack).port != port


def test_whether_somebody_listens_is_seen(tmp_path):
    with ExitStack() as stack:
        page = page_address(Settings(console_port=0, state_dir=tmp_path), stack)
        assert not page.answers()
        with reserved(page.port) as server:
            server.listen()
            assert page.answers()
