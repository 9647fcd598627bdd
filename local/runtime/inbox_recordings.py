"""The recording of an inbox file that `dropscribe up` has taken: `transcribe` waits for it, and pays for no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from local.backend import remembered
from shared import concurrency
from shared.engines import AUTO, of_method
from shared.errors import DropscribeError
from shared.messages import metadata_of
from shared.routing import weights
from shared.state import uploads

if TYPE_CHECKING:
    from pathlib import Path

    from local.backend.embedded_ports import LocalPorts
    from shared.model import Options, StoredObject
    from shared.settings import Settings

SOON, LOOK = 3.0, 0.1
"""Seconds in which `up` takes what was just put into its inbox, and between two looks for that."""


def find(
    path: Path, options: Options, ports: LocalPorts, until: float
) -> tuple[StoredObject, Options] | None:
    """The upload that a file of the inbox is, with its own options; None if it is not one, or asks for something else.

    Args:
        path: the file.
        options: those of the command.
        ports: the adapters to use.
        until: how long to wait for a running `up` to take it, on the monotonic clock.
    """
    source = _in_inbox(path, ports)
    if source is None:
        return None
    while (asks := uploads.taken(source, ports.records)) is None:
        if ports.nothing_runs() or concurrency.monotonic() > until:
            return None
        concurrency.sleep(LOOK)
    of_up = remembered.as_up(ports.settings, ports.records)
    if asks.problem or _result(asks.options, of_up) != _result(options, ports.settings):
        return None
    if ports.nothing_runs() and not can(asks.options, ports):
        return None
    return replace(source, metadata={**metadata_of(asks.options), **source.metadata}), asks.options


def can(options: Options, ports: LocalPorts) -> bool:
    """Whether this process has an engine for an upload with these options: that of the last `up` may be set up there alone."""
    method = _method(options, remembered.as_up(ports.settings, ports.records))
    return method == AUTO or any(one.name in ports.engines for one in of_method(method))


def _in_inbox(path: Path, ports: LocalPorts) -> StoredObject | None:
    bucket = ports.settings.audio_bucket
    folder = ports.store.folder_of(bucket)
    # What is a link in the inbox, or lies below one, leads elsewhere; links above the inbox do not matter.
    file, inbox = path.parent.resolve() / path.name, folder.resolve()
    name = ports.store.name_of(bucket, folder / file.relative_to(inbox)) if inbox in file.parents else None
    try:
        return None if name is None else ports.store.stat(bucket, name)
    except DropscribeError:
        return None  # reading it by its path says why it cannot be read


def _result(options: Options, settings: Settings) -> str:
    """A text that differs whenever the result may differ."""
    return replace(weights.named(options, settings), method=_method(options, settings)).fingerprint()


def _method(options: Options, settings: Settings) -> str:
    return settings.method if options.method == AUTO else options.method
