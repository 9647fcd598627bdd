"""Where `dropscribe up` and `dropscribe console` serve the page: a port that stays reserved, and a token."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import html
import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from local.runtime.processes import HOST, port_of, reserved
from shared.telemetry import log

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class PageAddress:
    """An address for a browser."""

    port: int
    """Port of this machine."""
    token: str = field(repr=False)
    """That opens the page."""
    host: str = HOST
    """As in addresses."""

    @property
    def address(self) -> str:
        """What a person opens."""
        return self.at("/")

    def at(self, path: str) -> str:
        """The address of a part of the page, such as `/recordings/ID`."""
        return f"http://{self.host}:{self.port}{path}?token={self.token}"

    def answers(self) -> bool:
        """Whether a process listens there."""
        with contextlib.suppress(OSError), socket.create_connection((self.host.strip("[]"), self.port), 1.0):
            return True
        return False


def page_address(settings: Settings, stack: ExitStack) -> PageAddress:
    """The port of the settings, or a free one if that is taken; reserved, and told to `running`, until the stack ends.

    Args:
        settings: of the deployment.
        stack: ends both.
    """
    try:
        # Reserved ports are shared by those of one account: another `up` must not get half of the requests.
        _take_alone(HOST, settings.console_port)
        if (host := settings.console_reached.strip("[]")) != HOST:
            _take_alone(host, settings.console_port)
        kept = reserved(settings.console_port)
    except OSError as error:
        kept = reserved()
        log.warning(
            "port %d of the page is taken (%s); it is served at %d",
            settings.console_port,
            error.strerror,
            port_of(kept),
        )
    stack.callback(kept.close)
    token = settings.console_token or secrets.token_urlsafe(32)
    page = PageAddress(port=port_of(kept), token=token, host=settings.console_reached)
    with contextlib.suppress(OSError):
        # Without the file, the page is served all the same.
        _announce(page, settings, stack)
    return page


def running(settings: Settings) -> PageAddress | None:
    """The page that `dropscribe up` or `dropscribe console` of this account serves now for this deployment, if any."""
    try:
        with _place(settings).open(encoding="utf-8") as file:
            with contextlib.suppress(BlockingIOError):
                # The process that serves the page holds the lock, however it ends.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            told = json.load(file)
            return PageAddress(
                port=int(told["port"]), token=str(told["token"]), host=str(told.get("host", HOST))
            )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def way_in(address: str, settings: Settings) -> Path:
    """A file, for this account alone, that leads a browser to an address.

    The command line of a browser is no place for a token: every account of the machine can read it.

    Raises:
        OSError: it cannot be written.
    """
    path = _place(settings).with_suffix(".html")
    with _own_file(path) as file:
        file.truncate()
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(address)}">\n')
    return path


def _take_alone(host: str, port: int) -> None:
    """Take a port for a moment, shared with no other process.

    Raises:
        OSError: another process has it.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            alone.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                # Not the port is wrong, and the console says what is.
                return
            raise


def _announce(page: PageAddress, settings: Settings, stack: ExitStack) -> None:
    """Note where the page is, for `running`; the first page of a deployment is the one that is noted."""
    place = _place(settings)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = stack.enter_context(_own_file(place))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    file.truncate()
    json.dump({"port": page.port, "token": page.token, "host": page.host}, file)
    file.flush()
    stack.callback(file.truncate, 0)
    stack.callback(place.with_suffix(".html").unlink, missing_ok=True)


def _place(settings: Settings) -> Path:
    name = "page.json" if settings.platform == "local" else f"page-{settings.project}.json"
    return settings.state_dir / name


def _own_file(path: Path) -> TextIO:
    """A file that only this account can read, and that is no link to another one."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, "r+", encoding="utf-8")
