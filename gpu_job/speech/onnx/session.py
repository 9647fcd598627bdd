"""How ONNX Runtime runs a network here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnxruntime

if TYPE_CHECKING:
    from pathlib import Path


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """Load the network of an ONNX file for the processor; `threads` cores share one call.

    Raises:
        Exception: those of onnxruntime, which have no common root.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that spins while it waits takes the core from one that decodes audio.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
