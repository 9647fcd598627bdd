"""Whether a `dropscribe up` works on the state of this machine: what is queued waits for one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from local.commands.terminal import say
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.ports import Ports


def say_if_nothing_runs(ports: Ports) -> bool:
    """Tell a person whose request is queued on this machine that nothing runs that could answer it; true if so."""
    if not ports.nothing_runs():
        return False
    say(f"Queued, but nothing is running that could transcribe it. Start `{up_command(ports.settings)}`.")
    return True


def up_command(settings: Settings) -> str:
    """The command that works on a state folder."""
    place = settings.state_dir
    named = "" if place == Settings().state_dir else f" --state-dir {shlex.quote(str(place))}"
    return f"dropscribe up{named}"
