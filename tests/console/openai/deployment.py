"""A whole deployment behind `/v1` in a process of its own: `python -m tests.console.openai.deployment PORT`.

The flow with the demo model and, where the settings name one, Deepgram, as `dropscribe transcribe` runs it; and the
endpoint behind uvicorn. Settings come from the environment.
"""

from __future__ import annotations

import fcntl
import sys
import threading
from contextlib import ExitStack
from functools import partial

import uvicorn
from starlette.applications import Starlette

from console.openai.routes import routes
from console.results import Results
from gpu_job import loading
from gpu_job.pipeline.worker import Worker
from local.backend.embedded_ports import UP_LOCK, open_ports
from local.runtime.push import PushLoop
from local.runtime.subscriptions import in_process
from shared.settings import Settings
from shared.telemetry import show_logs


def main():
    show_logs()
    ports = open_ports(Settings.from_environment())
    worker = Worker(ports, partial(loading.load, ports.settings))
    worker.engine(ports.settings.model)
    stop = threading.Event()
    with ExitStack() as stack:
        # As `dropscribe up`: who asks sees that somebody works.
        lock = stack.enter_context((ports.settings.state_dir / UP_LOCK).open("a+"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        for subscription, step in in_process(ports).items():
            loop = PushLoop(ports.queue, subscription, step)
            loop.start()
            stack.callback(loop.stop)
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        app = Starlette(routes=routes())
        app.state.ports, app.state.results = ports, Results()
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
