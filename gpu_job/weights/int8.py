"""An export with its matrix weights in 8 bits: a quarter of the bytes, and faster where nothing has bfloat16."""

from __future__ import annotations

import importlib
import logging
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from gpu_job.weights.catalogue import FILES
from gpu_job.weights.derived import copies, derived
from shared.errors import ConfigurationError, ModelUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from gpu_job.weights.located import Located

GRAPHS = tuple(name for name in FILES if name.endswith(".onnx"))
log = logging.getLogger("dropscribe")


def located_int8(located: Located) -> Located:
    """The form in 8 bits of an export that is here; made once, beside it.

    Raises:
        ConfigurationError: onnx is not installed.
        ModelUnavailable: there is no room for it.
    """

    def make(folder: Path) -> None:
        log.info("making the form of %s in 8 bits, once (a minute)", located.path)
        quantise(located.path, folder)

    try:
        folder = derived(located, "int8", make)
    except OSError as error:
        raise ModelUnavailable(
            f"The weights in 8 bits cannot be made from {located.path}: {error}. Free some space, or name the weights "
            "without :int8."
        ) from error
    return replace(
        located, path=folder, revision=f"{located.revision}-int8", remedy=f"delete {folder} and start again"
    )


def quantise(source: Path, target: Path) -> Path:
    """An export with its matrix weights in 8 bits (dynamic quantisation: activations are scaled at run time).

    `target` is made if it is not there.

    Returns:
        `target`, in the same layout: whatever loads `source` loads it.

    Raises:
        ConfigurationError: onnx is not installed.
    """
    try:
        quantization = importlib.import_module("onnxruntime.quantization")
    except ImportError as error:
        raise ConfigurationError(
            f"int8 needs the package onnx, which is not installed ({error}). Install it with "
            "`pip install 'dropscribe[models]'` (in a clone: `.venv/bin/pip install -e '.[models]'`)."
        ) from error
    target.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    before = root.level
    # It advises, on the root logger, a step that this architecture does not need.
    root.setLevel(logging.ERROR)
    try:
        with copies(source, GRAPHS, target) as plain:
            for name in GRAPHS:
                quantization.quantize_dynamic(
                    plain / name, target / name, weight_type=quantization.QuantType.QUInt8
                )
    finally:
        root.setLevel(before)
    for name in set(FILES) - set(GRAPHS):
        shutil.copyfile(source / name, target / name)
    return target
