"""`dropscribe console`: the page of a deployment, without a worker."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import errors, use_state_dir
from local.commands.terminal import beside
from local.runtime.page_address import page_address
from shared.connect import settings_here
from shared.settings import variable
from shared.telemetry import show_logs

ROOT = Path(__file__).resolve().parents[2]


def command(*, state_dir: options.StateDir = None) -> None:
    """Serve the page, without a worker: for transcripts that are there, or for a project (DROPSCRIBE_PLATFORM=google)."""
    with errors(), ExitStack() as stack:
        show_logs()
        use_state_dir(state_dir)
        settings = settings_here()
        page = page_address(settings, stack)
        beside().print(f"The page: {page.address}", highlight=False, markup=False, soft_wrap=True)
        environment = os.environ | {
            variable("console_port"): str(page.port),
            variable("console_token"): page.token,
        }
        # However this command ends, nobody can reach the page after it.
        start = [sys.executable, "-m", "local.runtime.exit_with_parent", str(os.getpid())]
        process = subprocess.Popen([*start, sys.executable, "-m", "console"], cwd=ROOT, env=environment)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            code = 0
        raise typer.Exit(code)
