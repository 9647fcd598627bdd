"""Where `dropscribe up` and `dropscribe console` serve the page: a port that stays reserved, and a token."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.runtime.processes import HOST, port_of, reserved
from shared.telemetry import log

if TYPE_CHECKING:
    from contextlib import ExitStack

    from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class PageAddress:
    """An address for a browser."""

    port: int
    """Of this machine."""
    token: str = field(repr=False)
    """That opens the page."""

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"


def page_address(settings: Settings, stack: ExitStack) -> PageAddress:
    """The port of the settings, or a free one if that is taken; reserved until the stack ends.

    Args:
        settings: of the deployment.
        stack: ends the reservation.
    """
    try:
        # Reserved ports are shared by those of one account: another `up` must not get half of the requests.
        with socket.socket() as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind((HOST, settings.console_port))
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
    return PageAddress(port=port_of(kept), token=settings.console_token or secrets.token_urlsafe(32))
