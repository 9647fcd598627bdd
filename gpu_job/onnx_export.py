"""From a `.nemo` file to a folder that the CPU's engine loads, proved on a sample before it gets its name.

1. export     with NeMo, beside the folder that it is to become
2. quantise   if asked to: matrix weights to 8 bits, activations at run time
3. compare    both forms transcribe the same sample
4. rename     only a proved export ever has the name that was asked for
"""

from __future__ import annotations

import gc
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_job.speech.nemo import nemo_export
from gpu_job.speech.windowing import waveforms
from gpu_job.weights.int8 import quantise
from gpu_job.weights.lookup import locate
from shared.errors import BadRequest, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from gpu_job.speech.transcriber import Transcriber

READABLE = 0o644
EXACT, QUANTISED = 0.02, 0.2
"""Share of the sample's words in which an export may differ from the archive: in fp32 by rounding alone, in int8 by
lost precision. Beyond that it is broken rather than coarse."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """A finished export."""

    folder: Path
    """What to name as the model."""
    size: int
    """Bytes."""
    expected: str
    """The archive's transcript of the sample."""
    heard: str
    """The export's transcript."""

    @property
    def differing(self) -> float:
        """Share of the words in which they differ."""
        return differing(self.expected.split(), self.heard.split())


def export_onnx(
    archive: Path,
    folder: Path,
    sample: NDArray[np.int16],
    *,
    int8: bool = False,
    step: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Export, prove, and only then put in place.

    `archive` is a `.nemo` file of a FastConformer-TDT; `folder` may exist if it is empty. Both forms transcribe
    `sample`: speech, `(samples,)`, mono, 16 kHz.

    Raises:
        BadRequest: the folder is not empty.
        ConfigurationError: torch, NeMo or onnx is not installed.
        ModelUnavailable: the archive cannot be exported, or the transcripts differ.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadRequest(f"{folder} exists and holds something. Name a folder that is to be made.")
    located = locate(str(archive), "nemo")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        made = Path(beside) / "fp32"
        made.mkdir()
        step("exporting with NeMo")
        nemo_export.export(located.path, made)
        gc.collect()  # frees 2.5 GB before the same weights are loaded twice more
        if int8:
            step("quantising to int8")
            made = quantise(made, Path(beside) / "int8")
        step("transcribing a sample with both")
        expected = _text(_nemo(located.path), sample)
        heard = _text(_onnx(made), sample)
        exported = Exported(
            folder=folder,
            size=sum(file.stat().st_size for file in made.iterdir()),
            expected=expected,
            heard=heard,
        )
        if not expected or exported.differing > (QUANTISED if int8 else EXACT):
            raise ModelUnavailable(
                f"The export of {archive} was not kept: {100 * exported.differing:.0f} % of the sample's words differ. "
                f"The archive hears: {_short(expected)}; the export: {_short(heard)}. Give a recording that the model "
                "understands with --sample, or use the archive itself on a GPU."
            )
        folder.mkdir(exist_ok=True)
        for file in made.iterdir():
            file.chmod(
                READABLE
            )  # onnx makes tensors readable for their owner only, and workers run as another user
            shutil.move(file, folder / file.name)
    return exported


def differing(expected: list[str], heard: list[str]) -> float:
    """Share of words that differ: edits (Levenshtein) over the words expected; 1 if none were."""
    if not expected:
        return 1.0
    row = list(range(len(heard) + 1))
    for word in expected:
        diagonal, row[0] = row[0], row[0] + 1
        for index, other in enumerate(heard, 1):
            diagonal, row[index] = (
                row[index],
                min(row[index] + 1, row[index - 1] + 1, diagonal + (word != other)),
            )
    return row[-1] / len(expected)


def _text(engine: Transcriber, sample: NDArray[np.int16]) -> str:
    heard = engine.transcribe(waveforms(sample))
    return " ".join(word.text for words in heard for word in words)


def _nemo(archive: Path) -> Transcriber:
    from gpu_job.speech.nemo import nemo_engine  # noqa: PLC0415 - imports torch and NeMo

    return nemo_engine.load(str(archive), device="cpu")


def _onnx(folder: Path) -> Transcriber:
    from gpu_job.speech.onnx import onnx_engine  # noqa: PLC0415 - imports onnxruntime

    return onnx_engine.load(str(folder))


def _short(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:120]}…")
