"""`dropscribe open`: the page in a browser, at a recording if one is named."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from local.commands import console, lookup, options
from local.commands.context import deployment, errors
from local.commands.terminal import print_text, say
from local.runtime import page_address

if TYPE_CHECKING:
    from local.runtime.page_address import PageAddress
    from shared.settings import Settings

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""Variables one of which is set where a browser can show something."""


def command(
    *,
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|ID",
            help=f"The recording to open; without it, the list. {lookup.HELP}",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Start a browser, or only print the address.")
    ] = True,
    state_dir: options.StateDir = None,
) -> None:
    """Open the page in a browser, at a recording if one is named.

    If nothing serves the page, this command does, until Ctrl-C.
    """
    with errors():
        with deployment(state_dir) as ports:
            settings = ports.settings
            path = "/" if place is None else f"/recordings/{lookup.one(place, ports).id}"
        can = browser and has_display()
        page = page_address.running(settings)
        if page is None:
            say("Serving the page until Ctrl-C. (`dropscribe up` serves it as well.)")
            raise typer.Exit(console.serve(settings, lambda one: show(one, path, settings, browser=can)))
        show(page, path, settings, browser=can)


def show(page: PageAddress, path: str, settings: Settings, *, browser: bool) -> None:
    """Print the address, and open it."""
    address = page.at(path)
    print_text(address, flush=True)
    if not browser:
        return
    try:
        started = webbrowser.open(page_address.way_in(address, settings).as_uri())
    except (OSError, webbrowser.Error):
        started = False
    if not started:
        say("No browser could be started: open the address yourself.")


def has_display() -> bool:
    """Whether a browser can show something to the person at this terminal."""
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in os.environ
    return any(os.environ.get(name) for name in DISPLAYS)
