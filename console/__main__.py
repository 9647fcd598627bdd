"""Serve the console: `python -m console`. `dropscribe up` and `dropscribe console` start it; Dockerfile.console runs it.

Settings come from the environment (docs/settings.md). It listens on this machine only, unless DROPSCRIBE_CONSOLE_HOST
says otherwise. Requests always need the token, on Cloud Run instead the header that Identity-Aware Proxy
signs.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
from dataclasses import replace

import uvicorn

from console.security.access import LOOPBACK, Access
from console.security.iap import signed_by_iap
from console.server import application
from console.slow_clients import NoSlowClients
from shared.connect import connect
from shared.errors import ConfigurationError, DropscribeError
from shared.settings import Settings, variable
from shared.telemetry import log, show_logs

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than the proxies before it keep theirs."""
CONNECTIONS = 800
"""At one time; later ones get 503. 300 are unauthenticated, 200 streams; the others are for short requests of those who
may ask. A process may have 1024 files open."""
PATIENCE = 3
"""Seconds that open streams have to end after SIGTERM."""
OF_PORT = (errno.EADDRINUSE, errno.EACCES)
"""Errors for which another port helps."""
HERE = ("127.0.0.1", "::1", "localhost")
"""Addresses that only this machine reaches."""


def main() -> int:
    """Serve until SIGTERM; 2 if a setting is wrong."""
    show_logs()
    try:
        ports = connect()
        access = access_by(ports.settings, on_cloud_run="K_SERVICE" in os.environ)
    except DropscribeError as error:
        log.error("the console cannot start: %s", error)
        return os.EX_CONFIG
    listener = listening(ports.settings)
    config = uvicorn.Config(
        application(ports, access),
        http=NoSlowClients,
        # Addresses have tokens in them.
        access_log=False,
        log_level="warning",
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=PATIENCE,
        ws="none",
    )
    if not ports.settings.console_token and access.token:
        # No log has a token: this is for the person who started it.
        port = listener.getsockname()[1]
        sys.stderr.write(f"The page: http://{ports.settings.console_reached}:{port}/?token={access.token}\n")
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def access_by(settings: Settings, *, on_cloud_run: bool) -> Access:
    """What requests must show.

    Raises:
        ConfigurationError: anyone could get in.
    """
    names = frozenset(filter(None, (one.strip() for one in settings.console_names.lower().split(","))))
    hosts = frozenset(LOOPBACK) | {settings.console_reached.lower()} | names
    access = Access(token=settings.console_token or secrets.token_urlsafe(32), hosts=hosts)
    if settings.iap_audience:
        return replace(access, token="", signed=signed_by_iap(settings.iap_audience), secure=True)
    if on_cloud_run:
        raise ConfigurationError(
            f"On Cloud Run the console serves only behind Identity-Aware Proxy: set {variable('iap_audience')} to "
            "/projects/NUMBER/locations/REGION/services/NAME (docs/console.md)."
        )
    if not settings.console_token and settings.console_host not in HERE:
        raise ConfigurationError(
            f"The console would listen to other machines at {settings.console_host}. Give it a token of your own: set "
            f"{variable('console_token')}."
        )
    return access


def listening(settings: Settings) -> socket.socket:
    """A socket at the address of the settings; on Cloud Run at the port that it names.

    Raises:
        SystemExit: it is taken, or this machine has none like that; the log says what to do.
    """
    there = os.environ.get("PORT") if "K_SERVICE" in os.environ else None
    host = "0.0.0.0" if there else settings.console_host  # noqa: S104 - Cloud Run reaches a container by its address
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if not there:
        # `dropscribe up` keeps the port reserved in the same way, whatever the address: 0.0.0.0 takes it of all.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    port = int(there or settings.console_port)
    try:
        one.bind((host, port))
    except OSError as error:
        if error.errno in OF_PORT:
            do = f"Set {variable('console_port')} to another port, or to 0 for any that is free."
        else:
            do = f"Set {variable('console_host')} to an address that this machine has."
        log.error("the console cannot listen at %s, port %d: %s. %s", host, port, error.strerror, do)
        raise SystemExit(os.EX_CONFIG) from None
    return one


if __name__ == "__main__":
    sys.exit(main())
