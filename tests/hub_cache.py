"""Weights as the hub's own client keeps them: links to files with other names, the large ones beside their graph."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import onnx

from gpu_job.weights.catalogue import FILES

if TYPE_CHECKING:
    from pathlib import Path


def as_hub_cache(export: Path, root: Path) -> Path:
    """The folder of links of an export's copy.

    Args:
        export: an ONNX export.
        root: empty; it gets `blobs` and `snapshot`.
    """
    blobs, snapshot, plain = (root / name for name in ("blobs", "snapshot", "plain"))
    for folder in (blobs, snapshot, plain):
        folder.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(export / name, plain / name)
    graph = onnx.load(plain / "encoder-model.onnx")
    (plain / "encoder-model.onnx").unlink()
    onnx.save_model(
        graph, plain / "encoder-model.onnx", save_as_external_data=True, location="encoder-model.onnx.data"
    )
    for number, file in enumerate(sorted(plain.iterdir())):
        file.rename(blobs / str(number))
        (snapshot / file.name).symlink_to(f"../blobs/{number}")
    return snapshot
