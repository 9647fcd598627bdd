"""`dropscribe`: the table of its commands. Each is a file in `local/commands/`, loaded when the command is called.

So `--help` answers at once, and no command loads what only others need.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from local import exit_codes
from local.exit_codes import EPILOG
from local.help import fit, told
from local.wrong_options import take_once, word

COMMANDS = {
    "transcribe": "Transcribe files and folders now. Recordings already finished are skipped.",
    "demo": "Transcribe the bundled samples with the bundled demo model: no download, no account.",
    "up": "Watch a folder and transcribe whatever is dropped into it, until Ctrl-C.",
    "open": "Open the page in a browser, at a recording if one is named.",
    "console": "Serve the page without a worker: for existing transcripts, or for a project (DROPSCRIBE_PLATFORM=google).",
    "submit": "Ask a running deployment for a transcript, as another service would.",
    "backfill": "Transcribe existing files that have no transcript yet. Safe to stop and run again.",
    "retry": "Continue recordings that failed or were cancelled. Parts that are done are not paid for again.",
    "cancel": "Cancel recordings in progress. Chunks already with an engine may still be charged.",
    "forget": "Delete transcripts and everything stored about recordings; with --audio their files too. This cannot be undone.",
    "reindex": "Add all transcripts to the search index, including those older than the index.",
    "audit": "Show who asked for what, and when. --json prints JSON lines for other systems.",
    "dead-letters": "Show, replay and discard messages that could not be handled.",
    "webhook": "Generate a webhook secret, and send a test to the webhook URL.",
    "show": "Print a transcript, or the words so far of a recording that is still in progress.",
    "status": "Show what is waiting, running, done and failed, and why.",
    "cost": "Show what transcripts cost, how much of it was wasted, what a hosted engine would have charged, and what to change.",
    "route": "Show which engine would transcribe a recording, what it would cost, and why not another. Transcribes nothing.",
    "flags": "Show and change the settings that take effect while a deployment runs, such as ROLLOUT_PERCENT=50.",
    "preflight": "Show what a Google Cloud project lacks for a deployment, and how to fix it. Changes nothing.",
    "deploy": "Deploy to a Google Cloud project, from nothing to a transcript, or show what that would change.",
    "rollout": "Let this checkout take over a deployment step by step; it rolls back automatically if it fails its checks.",
    "rollback": "Return to the release before the last rollout, finished or not.",
    "destroy": "Delete a deployment. Your data is kept unless you say otherwise.",
    "doctor": "Check what is installed and which engines can run here, and show the commands that fix what is missing.",
    "models": "Manage weights: list, download, verify, export and benchmark them.",
}
"""For each command the first line of its help."""

FOLDERS = {
    name: folder
    for folder, names in {
        "audio": "transcribe demo up submit route",
        "views": "cost show status doctor",
        "operation": "backfill retry cancel forget reindex audit dead-letters webhook",
        "deployment": "preflight deploy rollout rollback destroy",
    }.items()
    for name in names.split()
}
"""The folder of a command in `local/commands/`, if it is in one."""

BESIDE = {"demo": ("transcribe", "demo"), "rollback": ("rollout", "back")}
"""Commands that have no module of their own: module and name."""


class OnDemand(TyperGroup):
    """A group that loads a command when it is called."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of `dropscribe` itself."""
        return told(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Name, command and remaining arguments of a call."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, placeholder and loaded(str(name)), rest


def loaded(name: str) -> Any:
    """A command with its options, ready to be called."""
    module, attribute = BESIDE.get(name, (name.replace("-", "_"), "command"))
    found = importlib.import_module(".".join(filter(None, ("local.commands", FOLDERS.get(name), module))))
    group = getattr(found, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False)
        group.command(name)(getattr(found, attribute))
    command: Any = get_command(group)
    for one in (command, *getattr(command, "commands", {}).values()):
        fit(one)
        take_once(one)
        word(one)
    return command


app = typer.Typer(
    cls=OnDemand,
    help="Drop audio in, get a transcript out, and know what it cost.",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if value:
        import importlib.metadata  # noqa: PLC0415 - `--help` does without

        typer.echo(f"dropscribe {importlib.metadata.version('dropscribe')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options of `dropscribe` itself."""
    del version


for _name, _help in COMMANDS.items():
    app.command(_name, help=_help)(lambda: None)


EXTRAS = {"google": "google", "yaml": "google", "opentelemetry": "google"}
"""The extra that installs a library which whole commands need, by the library's top-level module."""


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors of a disk that takes no more."""


def main() -> None:
    """The console script."""
    _open_missing()
    try:
        try:
            app()
        finally:
            # At the end of Python what fails could not be said in words.
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        raise SystemExit(exit_codes.INCOMPLETE) from None
    except OSError as error:
        if error.errno not in FULL:
            raise
        _drop_output()
        where = f" {os.fsdecode(error.filename)}" if error.filename else ""
        typer.echo(
            f"dropscribe: the output{where} cannot be written: {error.strerror}. Make room on that disk, and run the "
            "same command again.",
            err=True,
        )
        raise SystemExit(exit_codes.CANNOT_WRITE) from None
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        typer.echo(
            f"dropscribe: this command needs libraries that are not installed ({error.name} is missing). Run "
            f"`pip install 'dropscribe[{extra}]'`.",
            err=True,
        )
        raise SystemExit(exit_codes.CONFIGURATION) from None


def _open_missing() -> None:
    """Let a standard stream that is closed lead nowhere: else it is None, and a file opened next has its descriptor."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = open(os.devnull, "r" if name == "stdin" else "w")  # noqa: SIM115, PTH123 - until the process ends
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)


def _drop_output() -> None:
    """Let what standard output did not take go, so that Python does not try, and complain, once more as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
