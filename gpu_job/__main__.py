"""The worker process: `python -m gpu_job`. It exits after a minute without work."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from functools import partial

from gpu_job import check, last_resort, loading, process
from gpu_job.start_up import StartUp, process_began
from gpu_job.weights import speakers
from shared.connect import connect
from shared.errors import CallHangs, DropscribeError
from shared.machine.stop_signals import stop_on
from shared.settings import Settings
from shared.telemetry import log


def main() -> int:
    """Run one worker; 0 if it had no more work or was asked to end, 2 if it cannot work here, 3 if a call did not return."""
    arguments = argparse.ArgumentParser(prog="python -m gpu_job", description="The Dropscribe worker.")
    arguments.add_argument("--stay", action="store_true", help="wait for work instead of exiting when idle")
    arguments.add_argument("--check", action="store_true", help="transcribe a bundled recording, and report")
    asked = arguments.parse_args()
    code = 0
    try:
        if asked.check:
            settings = Settings.from_environment()
            loading.check_image(settings)
            start_up = StartUp()
            load = partial(loading.load, settings, warm=False, start_up=start_up)
            here = settings.speaker_weights or not speakers.missing()
            load_diarizer = partial(loading.load_diarizer, settings) if here else None
            return check.run(load, settings.model, start_up=start_up, load_diarizer=load_diarizer)
        with stop_on(signal.SIGTERM, signal.SIGINT) as stop:
            last_resort.watch()
            process.run(connect(), stop, stay=asked.stay, began=process_began())
    except CallHangs as error:
        log.error("the worker ends: %s", error)
        code = 3
    except DropscribeError as error:
        log.error("the worker cannot work: %s", error)
        code = 2
    # Without waiting for threads: one may be inside a call that only the end of the process ends.
    logging.shutdown()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
