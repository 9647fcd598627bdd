"""The encoder in bfloat16 with OpenVINO, for processors that multiply it. The only file that imports OpenVINO.

With weights of 0.6 billion parameters, such a processor spends its time on products of 32-bit matrices; in bfloat16
they take about 0.6 times the core-seconds (`docs/benchmarks.md`). The graph is converted once, to OpenVINO's own form
with weights of 16 bits, beside the export: it loads in a second, and takes half the memory and disk of the export.
"""

from __future__ import annotations

import importlib.util
import logging
import mmap
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpu_job.speech.onnx.encoder import INPUTS, OUTPUTS, rows
from gpu_job.speech.transcriber import SAMPLE_RATE
from gpu_job.weights.derived import derived

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpu_job.weights.located import Located

log = logging.getLogger("dropscribe")

BUCKET = 100
"""Columns of features, 10 ms each: lengths are padded to a multiple, as each new length costs 0.1 s of preparation."""
ENCODER, GRAPH = "encoder-model.onnx", "encoder.xml"
"""Of the export, and of what is made from it."""
QUANTISED = b"DynamicQuantizeLinear"
"""An operator that only an export in 8 bits has."""
INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16"})
"""One of these, as Linux names them, is needed: others emulate bfloat16, which is slower than 32 bits."""
CPUINFO = Path("/proc/cpuinfo")


def has_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether this processor multiplies bfloat16; False where Linux does not say."""
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not INSTRUCTIONS.isdisjoint(flags.split())


def recommended() -> str:
    """In which precision large weights had best run on this processor, for a person."""
    if not has_bfloat16():
        return "8 bits is the fastest (NAME:int8), with slightly more errors"
    if is_installed():
        return "bfloat16 is the fastest, and is used"
    return "bfloat16 is the fastest; install dropscribe[openvino] for it"


def is_installed() -> bool:
    """Whether the extra `openvino` is there. Imports nothing."""
    return importlib.util.find_spec("openvino") is not None


def suits(located: Located) -> bool:
    """Whether it can run here, and is faster: not if the weights are in 8 bits already."""
    if not (is_installed() and has_bfloat16()):
        return False
    with (
        (located.path / ENCODER).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as graph,
    ):
        return graph.find(QUANTISED) < 0


class OpenVinoEncoder:
    """An encoder in bfloat16; an `Encoder`.

    One call at a time uses all threads, so that a lone window has all cores. It reads all weights, 1.2 GB: several
    windows in a call take fewer core-seconds.

    Args:
        graph: made by `converted`.
        threads: CPU cores to use.
        precision: that OpenVINO is asked for; `f32` on any processor.
    """

    together = 64 * SAMPLE_RATE

    def __init__(self, graph: Path, threads: int, *, precision: str = "bf16") -> None:
        import openvino  # noqa: PLC0415 - optional, and 0.2 s

        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        model = openvino.Core().compile_model(graph, "CPU", settings)
        self.precision = {"bf16": "bfloat16", "f32": "float32"}[precision]
        self._request = model.create_infer_request()
        self._outputs = [model.output(name) for name in OUTPUTS]
        self._lock = threading.Lock()

    def __call__(
        self, features: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> list[NDArray[np.float32]]:
        """See `Encoder`."""
        if missing := -features.shape[2] % BUCKET:
            features = np.pad(features, ((0, 0), (0, 0), (0, missing)))
        with self._lock:
            found = self._request.infer(
                dict(zip(INPUTS, (features, lengths), strict=True)), share_inputs=True, share_outputs=True
            )
            encoded, counts = (found[one] for one in self._outputs)
            return rows(encoded, counts)


def load(located: Located, threads: int) -> OpenVinoEncoder:
    """The encoder of an export, converted where that was not done yet.

    Raises:
        OSError: there is no room for the converted graph.
        RuntimeError: OpenVINO cannot read the export.
    """
    graph = converted(located)
    try:
        return OpenVinoEncoder(graph, threads)
    except RuntimeError:
        # Half a disk's failure, or a file of another version: what is derived is made again.
        log.warning("%s cannot be loaded; it is made again", graph.parent)
        shutil.rmtree(graph.parent, ignore_errors=True)
        return OpenVinoEncoder(converted(located), threads)


def converted(located: Located) -> Path:
    """The graph of an export's encoder with weights of 16 bits; made once.

    Raises:
        OSError: there is no room for it.
        RuntimeError: OpenVINO cannot read the export.
    """

    def make(folder: Path) -> None:
        import openvino  # noqa: PLC0415 - optional, and 0.2 s

        log.info("converting the encoder of %s for bfloat16, once (some seconds)", located.path)
        model = openvino.Core().read_model(located.path / ENCODER)
        openvino.save_model(model, folder / GRAPH, compress_to_fp16=True)

    return derived(located, "openvino", make) / GRAPH
