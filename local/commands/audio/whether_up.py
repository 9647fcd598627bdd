"""Whether a `dropscribe up` works on the state of this machine: what is queued waits for one."""

from __future__ import annotations

import fcntl
import shlex
from typing import TYPE_CHECKING

from local.backend.embedded_ports import LocalPorts
from local.commands.terminal import say
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.ports import Ports


def say_if_nothing_runs(ports: Ports) -> bool:
    """Tell a person whose request is queued on this machine that nothing runs that could answer it; true if so."""
    if not isinstance(ports, LocalPorts) or not nothing_runs(ports):
        return False
    say(f"Queued, but nothing is running that could transcribe it. Start `{up_command(ports.settings)}`.")
    return True


def up_command(settings: Settings) -> str:
    """The command that works on a state folder."""
    place = settings.state_dir
    named = "" if place == Settings().state_dir else f" --state-dir {shlex.quote(str(place))}"
    return f"dropscribe up{named}"


def nothing_runs(ports: Ports) -> bool:
    """Whether this is one machine's state, and no `dropscribe up` works on it: that one holds a lock."""
    if not isinstance(ports, LocalPorts):
        return False
    try:
        with (ports.settings.state_dir / "up.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
