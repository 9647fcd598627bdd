"""What all commands share: opening ports, reading options, and printing errors."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gpu_job import last_resort
from local import exit_codes
from local.commands.terminal import say
from shared.errors import (
    BadMedia,
    BadRequest,
    CallHangs,
    CannotWrite,
    ConfigurationError,
    DropscribeError,
    EngineFailed,
    NotFound,
    OverLimit,
    Permanent,
    StoreUnavailable,
    Unreachable,
)
from shared.messages import options_of

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from local.backend.embedded_ports import LocalPorts
    from shared.model import Options
    from shared.ports import Ports
    from shared.settings import Settings

EXIT_CODES: dict[type[DropscribeError], int] = {
    NotFound: exit_codes.NO_INPUT,
    BadRequest: exit_codes.USAGE,
    BadMedia: exit_codes.BAD_INPUT,
    OverLimit: exit_codes.BAD_INPUT,
    CannotWrite: exit_codes.CANNOT_WRITE,
    Permanent: exit_codes.UNAVAILABLE,
    ConfigurationError: exit_codes.CONFIGURATION,
    StoreUnavailable: exit_codes.UNAVAILABLE,
    Unreachable: exit_codes.UNAVAILABLE,
    EngineFailed: exit_codes.UNAVAILABLE,
    DropscribeError: exit_codes.TRY_AGAIN,
}
"""The exit codes of errors: the first kind that fits counts."""

WEIGHTS = ("PARAKEET_MODEL_NAME", "PARAKEET_ENGLISH_MODEL")
"""Variables that name weights, by a name or a path."""


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Print an error that a command raises on purpose, and exit with the code of its kind (`local/exit_codes.py`)."""
    try:
        yield
    except DropscribeError as error:
        say(f"dropscribe: {error}", "red")
        if isinstance(error, CallHangs):
            # The thread of that call would keep the process from ending.
            last_resort.end_within(last_resort.SOON)
        raise typer.Exit(exit_code(error)) from None
    except UnicodeEncodeError as error:
        if error.encoding != "utf-8":
            raise
        # A byte that is not UTF-8 comes from the command line alone; nothing can store it.
        say("dropscribe: The command line is not UTF-8. Correct it.", "red")
        raise typer.Exit(exit_codes.USAGE) from None


def exit_code(error: DropscribeError) -> int:
    """The exit code of a command that an error ends."""
    if isinstance(error, BadMedia) and error.code == "missing":
        return exit_codes.NO_INPUT
    return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))


@contextlib.contextmanager
def local_ports(state_dir: Path | None, *, hurried: bool = False) -> Iterator[LocalPorts]:
    """The ports of this machine.

    `hurried`: retry for seconds, not for an hour, because a person is waiting.

    Raises:
        ConfigurationError: a setting is wrong, or names another platform.
    """
    from local.backend.embedded_ports import embedded_topology, open_ports  # noqa: PLC0415 - `--help` and `doctor` need no ports

    settings = local_settings(state_dir)
    if settings.platform != "local":
        raise ConfigurationError(
            "This command works only with the state of this machine. Unset DROPSCRIBE_PLATFORM, or use "
            "`dropscribe submit`, `status` and `cost` to talk to a deployment."
        )
    _warn_of_unknown_settings()
    with contextlib.closing(
        open_ports(settings, embedded_topology().hurried() if hurried else None)
    ) as ports:
        yield ports


def local_settings(state_dir: Path | None, environ: MutableMapping[str, str] | None = None) -> Settings:
    """The settings of this machine: its state folder, its weights by an absolute path, and the engines that it has.

    Args:
        state_dir: folder of queue and records; None: as set.
        environ: where the settings are, changed so that processes that get it have the same; None: the environment
            of this process.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    from shared.connect import settings_here  # noqa: PLC0415 - `--help` and `doctor` need no ports

    environ = os.environ if environ is None else environ
    use_state_dir(state_dir, environ)
    # Absolute, because processes that `up` starts run in another folder, and because it is part of keys.
    for name in WEIGHTS:
        if weights := environ.get(name):
            environ[name] = absolute_weights(weights)
    detect_engines(environ)
    return settings_here(environ)


@contextlib.contextmanager
def deployment(state_dir: Path | None, *, begin: bool = False) -> Iterator[Ports]:
    """The ports of the deployment that `DROPSCRIBE_PLATFORM` names: this machine's, or a project's.

    `begin`: create its folder if it does not exist; a command that only looks would find nothing in it.

    Raises:
        NotFound: the folder does not exist.
        ConfigurationError: a setting is wrong.
    """
    from shared.connect import settings_here  # noqa: PLC0415 - `--help` and `doctor` need no ports

    settings = settings_here()
    if settings.platform == "local":
        if state_dir is not None and not begin and not state_dir.is_dir():
            raise NotFound(
                f"There is no folder {str(state_dir)!r}. Name the --state-dir that `transcribe` or `up` was given."
            )
        is_set = state_dir is None and os.environ.get("DROPSCRIBE_STATE_DIR")
        if is_set and not begin and not settings.state_dir.is_dir():
            raise NotFound(
                f"There is no folder {str(settings.state_dir)!r}. DROPSCRIBE_STATE_DIR names it: correct or unset it."
            )
        with local_ports(state_dir) as ports:
            yield ports
        return
    from shared.adapters.google_ports import open_ports  # noqa: PLC0415 - `--help` and `doctor` need no ports

    _warn_of_unknown_settings()
    with contextlib.closing(open_ports(settings)) as ports_there:
        yield ports_there


def checked_options(**given: object) -> Options:
    """Options of a person, checked like those of any request; None leaves one out.

    A path of weights becomes an absolute one.

    Raises:
        BadRequest: names the option that is wrong, and its possible values.
    """
    if model := given.get("model"):
        given["model"] = absolute_weights(str(model))
    return options_of({name: value for name, value in given.items() if value is not None})


def options_from(**given: object) -> Options:
    """Options from a command line, as `checked_options`; a refusal names its flags."""
    try:
        return checked_options(**given)
    except BadRequest as error:
        # Requests have caption_width, command lines --caption-width.
        names = "|".join(sorted(given, key=len, reverse=True))
        said = re.sub(
            rf"^({names})\b|(?<=more than )({names})\b",
            lambda name: f"--{name[0].replace('_', '-')}",
            str(error),
        )
        raise BadRequest(said) from error


def options_or_none(**given: object) -> Options | None:
    """The same; None if no option was given, so that those of the object apply. A flag that is off is not given.

    Raises:
        BadRequest: names the option that is wrong, and its possible values.
    """
    asked = {name: value for name, value in given.items() if value is not None and value is not False}
    return options_from(**asked) if asked else None


def absolute_weights(name: str) -> str:
    """Weights as a process in another folder finds them: a path made absolute, a name as it is."""
    from gpu_job.weights.catalogue import by_name  # noqa: PLC0415 - as `choose_engines`

    path = Path(name).expanduser()
    return str(path.absolute()) if by_name(name) is None and path.exists() else name


def use_state_dir(state_dir: Path | None, environ: MutableMapping[str, str] = os.environ) -> None:
    """Set the state folder of this process and of those that it starts; None leaves it as it is."""
    if state_dir is not None:
        environ["DROPSCRIBE_STATE_DIR"] = str(state_dir.absolute())


def detect_engines(environ: MutableMapping[str, str] = os.environ) -> None:
    """If no setting names the engines of this machine, detect them, also for the processes that `up` starts."""
    from gpu_job import loading  # noqa: PLC0415 - `--help` needs no engine
    from shared.engines import PARAKEET_GPU  # noqa: PLC0415 - as `choose_engines`

    if environ.get("DROPSCRIBE_PLATFORM", "local") == "local" and not environ.get("DROPSCRIBE_ENGINES"):
        found = loading.here()
        if PARAKEET_GPU.name in found:
            environ["DROPSCRIBE_ENGINES"] = ",".join(found)


def _warn_of_unknown_settings() -> None:
    """Warn of misspelt settings, as the functions do in their logs: a misspelt budget limits nothing."""
    from shared.settings import unknown  # noqa: PLC0415 - `--help` and `doctor` need no settings

    for name in unknown(os.environ):
        say(f"dropscribe: {name} is not a setting and is ignored: check its spelling.", "yellow")


def say_if_nothing_runs(ports: Ports) -> bool:
    """Tell a person whose request is queued on this machine that nothing runs that could answer it; true if so."""
    if not ports.nothing_runs():
        return False
    from shared.settings import Settings  # noqa: PLC0415 - as above

    place = ports.settings.state_dir
    named = "" if place == Settings().state_dir else f" --state-dir {shlex.quote(str(place))}"
    say(f"Queued, but nothing is running that could transcribe it. Start `dropscribe up{named}`.")
    return True
