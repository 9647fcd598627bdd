"""`dropscribe console`: the page of a deployment, without a worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import errors, use_state_dir
from local.commands.terminal import say
from local.runtime import processes
from local.runtime.page_address import PageAddress, page_address
from shared.connect import settings_here
from shared.telemetry import show_logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.settings import Settings


def command(*, state_dir: options.StateDir = None) -> None:
    """Serve the page without a worker: for existing transcripts, or for a project (DROPSCRIBE_PLATFORM=google)."""
    with errors():
        use_state_dir(state_dir)
        raise typer.Exit(serve(settings_here()))


def serve(settings: Settings, ready: Callable[[PageAddress], None] | None = None) -> int:
    """Serve the page until Ctrl-C; returns the exit code.

    `ready` is called once the page answers.
    """
    show_logs()
    with ExitStack() as stack:
        page = page_address(settings, stack)
        server = processes.console(page.port, page.token)
        # However this command ends, the page cannot be reached after it.
        start = [sys.executable, "-m", "local.runtime.exit_with_parent", str(os.getpid())]
        process = subprocess.Popen(
            [*start, *server.command], cwd=processes.ROOT, env={**os.environ, **server.environment}
        )
        try:
            if _answers(page, process):
                say(f"The page: {page.address}")
                if ready is not None:
                    ready(page)
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            return 0


def _answers(page: PageAddress, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the page answers; False if its server ends before, which has said why."""
    while process.poll() is None:
        if page.answers():
            return True
        time.sleep(0.1)
    return False
