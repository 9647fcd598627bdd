"""The weights that calls have loaded: they stay for the next call, and one call works at a time."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dropscribe.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_job.pipeline.loaded_engines import LoadedEngines
    from shared.settings import Settings

_loaded: dict[tuple[object, ...], LoadedEngines] = {}
"""Those of one kind of settings: with others, an engine would be another one."""


def loaded(settings: Settings) -> LoadedEngines:
    """The engines of this machine; those of an earlier call if its settings had made the same ones."""
    from gpu_job import loading
    from gpu_job.pipeline.loaded_engines import LoadedEngines

    kind = (
        *(settings.engines, settings.enable_gpu, settings.gpu_memory_limit_gb, settings.image_model),
        *(settings.cpu_threads, settings.cpu_callers),
    )
    if kind not in _loaded:
        _loaded.clear()
        gc.collect()  # networks are circles of references
        _loaded[kind] = LoadedEngines(
            partial(loading.load, settings),
            settings.gpu_memory_limit_gb,
            partial(loading.load, replace(settings, enable_gpu=False)),
        )
    return _loaded[kind]


_working = threading.Lock()
_worker: int | None = None
"""The thread whose call works, by its ident: engines are not made for several threads."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for the calls of other threads.

    Raises:
        BadRequest: this thread is in the middle of one.
    """
    global _worker  # noqa: PLW0603 - guarded by the lock
    if _worker == threading.get_ident():
        raise BadRequest(
            "`transcribe_all` is at work in this thread: take all that it gives, or `close()` it, first."
        )
    with _working:
        _worker = threading.get_ident()
        try:
            yield
        finally:
            _worker = None


def unload() -> None:
    """Let go of the weights that earlier calls loaded, and of the memory that they take."""
    with one_at_a_time():
        _loaded.clear()
        gc.collect()  # networks are circles of references
