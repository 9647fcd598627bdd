"""Networks of the bundled weights, loaded once in a process: that takes half the time of a short transcription."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from unittest import mock

from gpu_job.speech.onnx import onnx_engine
from gpu_job.speech.onnx.session import open_session
from gpu_job.weights.catalogue import BUNDLED

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from onnxruntime import InferenceSession

_kept = functools.cache(open_session)


def _opened(path: Path, threads: int) -> InferenceSession:
    return (_kept if path.parent == BUNDLED else open_session)(path, threads)


def kept() -> AbstractContextManager[object]:
    """Within it engines of this process share them: a session keeps nothing from call to call."""
    return mock.patch.object(onnx_engine, "open_session", _opened)
