"""`dropscribe status --watch`: drawn again on a terminal, a line for each change elsewhere, until Ctrl-C."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.live import Live

from local.backend.embedded_ports import LocalPorts
from local.commands.lookup import name_of
from local.commands.terminal import output, print_json_line, print_text
from local.commands.views import details
from shared import concurrency
from shared.in_words import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from local.commands.views.overview import Report
    from shared.model import Recording
    from shared.ports import Ports


HERE, THERE = 1.0, 5.0
"""Seconds between two looks: on one machine, and in a project, where each read is paid for."""


def run(
    look: Callable[[], Report],
    screen: Callable[[Report], RenderableType],
    ports: Ports,
    *,
    as_json: bool,
    until_ended: bool,
) -> None:
    """Show how the deployment stands, and every change.

    `until_ended`: end once all recordings that are shown have ended, and not at Ctrl-C alone. JSON is an object for each
    recording that changed, one a line.
    """
    console = output()
    try:
        if console.is_terminal and not as_json:
            with Live(console=console, auto_refresh=False) as live:
                for report in _reports(look, ports, until_ended=until_ended):
                    live.update(screen(report), refresh=True)
            return
        told: dict[str, str] = {}
        for report in _reports(look, ports, until_ended=until_ended):
            for one in reversed(report.recordings):
                _tell(one, told, ports, as_json=as_json)
    except KeyboardInterrupt:
        return


def _reports(look: Callable[[], Report], ports: Ports, *, until_ended: bool) -> Iterator[Report]:
    pause = HERE if isinstance(ports, LocalPorts) else THERE
    while True:
        report = look()
        yield report
        if until_ended and all(one.ended for one in report.recordings):
            return
        concurrency.sleep(pause)


def _tell(one: Recording, told: dict[str, str], ports: Ports, *, as_json: bool) -> None:
    """Print a recording, unless nothing has changed since it was told."""
    said = f"{one.state} {printable(name_of(one))}: {printable(details.summary(one, ports))}"
    if told.get(one.id) == said:
        return
    told[one.id] = said
    if as_json:
        print_json_line(details.row_values(one, ports))
    else:
        print_text(f"{time.strftime('%H:%M:%S', time.localtime(ports.clock.now()))} {said}", flush=True)
