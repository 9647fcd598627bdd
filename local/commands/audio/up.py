"""`dropscribe up`: the deployed system on one machine, until Ctrl-C.

    inbox folder ──watcher──▶ queue ──push over HTTP──▶ functions (local/runtime/serve.py, one process each)
                                    a timer ──HTTP──▶ the sweeper, every minute
                              queue ◀──pull──── worker (`python -m gpu_job --stay`, its own process)

Processes that die are restarted; processes of a killed `up` end with it. All state is in the queue and the
records, so a stop at any moment loses nothing and repeats nothing that was finished.
"""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.backend import incoming, remembered
from local.backend.embedded_ports import UP_LOCK, LocalPorts
from local.commands import downloads, options
from local.commands.context import errors, local_ports, options_from
from local.commands.terminal import beside, say
from local.inbox import earlier_uploads, reappeared, renamed
from local.inbox.ignore import is_left_out
from local.inbox.watcher import Inbox
from local.runtime import export, processes, prometheus
from local.runtime.page_address import PageAddress, page_address
from local.runtime.push import HttpSender, PushLoop, end_despite, stop_all
from local.runtime.scheduler import Scheduler
from local.runtime.subscriptions import exporter, show_again, webhooks
from shared import concurrency, formats
from shared.adapters.hosted_engines import has_library
from shared.engines import AUTO, hosted_specs
from shared.errors import ConfigurationError, DropscribeError
from shared.machine.stop_signals import stop_on
from shared.messages import metadata_of
from shared.routing import eligible, flags, speakers, weights
from shared.sweep import clock_steps
from shared.telemetry import log, show_logs
from shared.topology import EXPORTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event

    from local.runtime.processes import Processes
    from shared.model import Options

AGAIN = 2.0
"""Seconds until what could not be started is tried again."""
FREE_EVERY = 1.0
"""Seconds between two looks for a `transcribe` that was killed."""
TIDY_EVERY = 600.0
"""Seconds between two looks for what killed processes left."""
FINISH_WITHIN = 5.0
"""Seconds that functions have to finish what they do when `up` ends; planning a damaged file may take minutes."""
PATHS = (
    *("DROPSCRIBE_STATE_DIR", "DROPSCRIBE_INBOX", "DROPSCRIBE_TRANSCRIPTS"),
    "DROPSCRIBE_SPEAKER_WEIGHTS",
)
"""Variables that name folders."""


@options.of_a_recording(without=("speaker_names", "title"))
def command(
    *,
    inbox: Annotated[
        Path | None,
        typer.Option(
            help="Folder to watch: drop audio here. The default is the folder of the last `up`, or one in the state directory. "
            "\\[env: DROPSCRIBE_INBOX]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the transcripts. \\[env: DROPSCRIBE_TRANSCRIPTS]",
        ),
    ] = None,
    asked: options.Asked,
    captions_beside: Annotated[
        bool,
        typer.Option(
            "--beside",
            help="Put captions next to each recording in the inbox as well: talk.srt beside talk.mp4.",
        ),
    ] = False,
    follow_links: Annotated[
        bool,
        typer.Option(
            "--follow-links",
            help="Follow symbolic links in the inbox, wherever they point. \\[env: DROPSCRIBE_FOLLOW_LINKS]",
        ),
    ] = False,
    state_dir: options.StateDir = None,
    console: Annotated[
        bool, typer.Option("--console/--no-console", help="Serve the page, at an address that is printed.")
    ] = True,
    quiet: options.Quiet = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Serve Prometheus metrics on this port of 127.0.0.1.",
        ),
    ] = None,
) -> None:
    """Watch a folder and transcribe whatever is dropped into it, until Ctrl-C.

    The options apply to every file dropped from now on. `dropscribe submit` takes other options for one file.
    """
    chosen = {"DROPSCRIBE_INBOX": inbox, "DROPSCRIBE_TRANSCRIPTS": out, "PARAKEET_MODEL_NAME": asked["model"]}
    chosen["TRANSCRIPTION_METHOD"] = asked["method"]
    chosen["DROPSCRIBE_FOLLOW_LINKS"] = "true" if follow_links else None
    chosen["DROPSCRIBE_QUIET"] = "true" if quiet else None
    os.environ.update({name: str(value) for name, value in chosen.items() if value is not None})
    # Absolute, because the processes that `up` starts run in another folder.
    for name in PATHS:
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().absolute())
    with errors(), local_ports(state_dir) as ports:
        given = options_from(**asked)
        raise typer.Exit(run(ports, given, metrics_port, console=console, captions_beside=captions_beside))


def run(
    ports: LocalPorts,
    options: Options,
    metrics_port: int | None = None,
    *,
    console: bool = False,
    captions_beside: bool = False,
) -> int:
    """Serve until a signal ends it; 0 then.

    The options are for every file in the inbox; method and weights are those of the deployment. Without a port nothing
    is measured.

    Raises:
        BadRequest: no engine here supports these options.
        ConfigurationError: another `dropscribe up` uses this state directory, a folder is a file, or a library is missing.
        ModelUnavailable: the default weights cannot be loaded.
    """
    show_logs()
    settings = ports.settings
    _check(ports)
    speakers.check(options)
    eligible.check_language(options, settings, ports.engines)
    if options.diarize:
        speakers.check_engines(ports.engines)
    if said := overruled(options, ports):
        log.warning("%s", said)
    with ExitStack() as stack:
        stack.enter_context(_only_one(settings.state_dir / UP_LOCK))
        remembered.remember_folders(ports.inbox, ports.out, ports.records)
        ports.store.expect(settings.audio_bucket, remembered.mount(ports.records))
        earlier_uploads.move_in(ports)
        if settings.method not in {one.method for one in hosted_specs()}:
            # Download or fail now, not in a worker that restarts for ever.
            for name in dict.fromkeys(weights.of_deployment(settings).values()):
                downloads.locate_or_do_without(name, options, ports, beside(), quiet=settings.quiet)
        remembered.remember_defaults(settings, ports.records)
        ports.queue.keep_for_all()
        options = replace(options, method=AUTO, model=None)
        remembered.adopt_uploads(settings.audio_bucket, ports.records)
        stack.enter_context(prometheus.served(metrics_port, settings.state_dir))
        stop = stack.enter_context(stop_on(signal.SIGINT, signal.SIGTERM))
        ports.reclaim()
        clock_steps.watch(ports)  # a recording may end before the first tick
        hosted = {one.subscription: settings.open_calls[one.name] for one in hosted_specs(ports.hosted)}
        page = page_address(settings, stack) if console else None
        planned = processes.planned(hosted, processes.console(page.port, page.token) if page else None)
        stack.callback(planned.end)
        _deliver(planned, hosted, ports, stack)
        put_beside = formats.file_names([formats.BESIDE]) if captions_beside else ()
        exports = PushLoop(ports.queue, EXPORTER, exporter(ports, put_beside), at_a_time=1)
        own = [exports, *(PushLoop(ports.queue, name, step) for name, step in webhooks(ports).items())]
        stack.callback(stop_all, own)
        for loop in own:
            loop.start()
        scheduler = Scheduler(planned.sweeper, token=planned.token)
        scheduler.start()
        stack.callback(scheduler.stop)
        watcher = Inbox(
            ports.store,
            ports.queue,
            settings.audio_bucket,
            partial(
                reappeared.is_known, ports, show_again=partial(show_again, ports=ports, beside=put_beside)
            ),
            metadata=metadata_of(options),
            reused=partial(renamed.reuse, ports),
        )
        watcher.start()
        stack.callback(watcher.stop)
        _greet(ports)
        _keep_running(planned, ports, stop, None if settings.quiet else page)
    log.info("stopped; `dropscribe up` continues from here")
    end_despite(own)
    return 0


def _keep_running(planned: Processes, ports: LocalPorts, stop: Event, page: PageAddress | None) -> None:
    """Start what has died again until `stop` is set; tell the address of the page once that opens."""
    died, look_at, tidied = False, 0.0, concurrency.monotonic()
    while not stop.wait(0.2):
        try:
            if concurrency.monotonic() - tidied > TIDY_EVERY:
                incoming.tidy(ports.settings.state_dir)
                tidied = concurrency.monotonic()
            died = planned.keep_running() or died
            if concurrency.monotonic() > look_at:
                # What a killed `transcribe` had to itself goes on here.
                died = ports.queue.free() or died
                look_at = concurrency.monotonic() + FREE_EVERY
            if died:
                ports.reclaim()
                died = False
            if page is not None and page.answers():
                # No log has a token.
                say(f"The page: {page.address}")
                page = None
        except (OSError, DropscribeError) as error:
            # The disk (also that of the log) is full, the database locked, the system out of processes: none of it is for ever.
            log.warning("not everything can be kept running now: %s", error)
            stop.wait(AGAIN)


def _greet(ports: LocalPorts) -> None:
    named = "" if ports.settings.inbox else " (--inbox FOLDER watches another)"
    log.info("watching %s%s: drop audio there", ports.inbox, named)
    log.info("transcripts appear in %s", ports.out)
    log.info("weights: %s. Stop with Ctrl-C.", ports.settings.model)


def _deliver(planned: Processes, hosted: Mapping[str, int], ports: LocalPorts, stack: ExitStack) -> None:
    """Push messages to the functions until the stack ends."""
    loops: list[PushLoop] = []
    for subscription, url in planned.endpoints.items():
        calls = hosted.get(subscription, processes.CALLS)
        sender = HttpSender(url, token=planned.token)
        loop = PushLoop(ports.queue, subscription, sender, at_a_time=calls)
        loop.start()
        loops.append(loop)
    stack.callback(_end, loops, planned)


def _end(loops: Sequence[PushLoop], planned: Processes) -> None:
    """Let the functions finish what they do, for some seconds, then end them: nothing is lost, and its message stays."""
    stop_all(loops, FINISH_WITHIN)
    planned.end()
    stop_all(loops)


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"Another `dropscribe up` is running on {path.parent}. Stop it, or choose another --state-dir."
            ) from None
        yield


def overruled(options: Options, ports: LocalPorts) -> str:
    """A warning if a flag overrides the method that was asked for here; empty if none does."""
    method = flags.read(ports).applied(ports.settings).method
    if options.method in {"auto", method}:
        return ""
    return (
        f"The flag TRANSCRIPTION_METHOD={method} overrides --method {options.method}. Remove it with "
        "`dropscribe flags TRANSCRIPTION_METHOD=`."
    )


def _check(ports: LocalPorts) -> None:
    """What would stop the processes later, before anything is remembered of it."""
    if ports.inbox.exists() and not ports.inbox.is_dir():
        raise ConfigurationError(f"The inbox {ports.inbox} is a file. Give a folder with --inbox.")
    work, inbox = ports.store.folder_of(ports.settings.work_bucket).resolve(), ports.inbox.resolve()
    if work.is_relative_to(inbox) and not is_left_out(work.relative_to(inbox)):
        raise ConfigurationError(
            f"The state folder {ports.settings.state_dir} is in the inbox {ports.inbox}: audio that is kept there would be "
            "taken for uploads. Choose another folder with --inbox or --state-dir."
        )
    export.check(ports.out)
    for one in hosted_specs(ports.hosted):
        if one.hosted is not None and not has_library(one.hosted):
            raise ConfigurationError(
                f"{one.hosted.key_variable} is set, but {one.in_sentences}'s library is not installed. "
                f"Run `pip install 'dropscribe[{one.hosted.extra}]'`, or unset {one.hosted.key_variable}."
            )
