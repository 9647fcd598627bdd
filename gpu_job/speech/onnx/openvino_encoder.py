"""The encoder in bfloat16 with OpenVINO, for processors that multiply it.

With weights of 0.6 billion parameters, such a processor spends its time on products of 32-bit matrices; in bfloat16
they take about 0.6 times the core-seconds (`docs/benchmarks.md`). The graph is compiled once, with weights of 16 bits,
for this CPU and this version of OpenVINO, beside the export: it loads in a third of a second, and takes half the
memory and disk of the export.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import mmap
import shutil
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpu_job.speech.onnx import export
from gpu_job.speech.onnx.encoder import INPUTS, OUTPUTS, OnnxEncoder, rows
from gpu_job.speech.onnx.session import open_session
from gpu_job.speech.transcriber import SAMPLE_RATE
from gpu_job.weights.derived import copies, derived

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpu_job.weights.located import Located

log = logging.getLogger("dropscribe")

LONGEST = 400
"""Frames of the longest window that it takes, 32 s: what its layers make of positions is kept up to it."""
BUCKET = 8
"""Columns of features, 10 ms each, that make one frame: lengths are padded to a multiple. Once room for the longest
windows is there, a new length costs as much as 0.3 s of sound."""
ENCODER, GRAPH, COMPILED = "encoder-model.onnx", "encoder.xml", "encoder.blob"
"""Names of the export, of its graph in OpenVINO's form, which is there while it is compiled, and of what is kept."""
FORM = "openvino-5"
"""Version of what is made; another one when what is made changes."""
QUANTISED = b"DynamicQuantizeLinear"
"""An operator that only an export in 8 bits has."""
INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16"})
"""One of these, as Linux names them, is needed: others emulate bfloat16, which is slower than 32 bits."""
CPUINFO = Path("/proc/cpuinfo")
ALONE = {"NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
"""Settings for one call at a time."""


def has_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether this CPU multiplies bfloat16; False where Linux does not say."""
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not INSTRUCTIONS.isdisjoint(flags.split())


def recommended() -> str:
    """In which precision large weights had best run on this CPU, for a person."""
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
    if export.read(located.path).frame_seconds != BUCKET * export.FEATURE_SECONDS:
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
        exported: the ONNX file, for windows longer than `LONGEST`.
        graph: made of it by `compiled`.
        threads: CPU cores to use.
        precision: that OpenVINO is asked for; `f32` on any processor.
    """

    together = 64 * SAMPLE_RATE
    call_cost = 2 * SAMPLE_RATE
    """Measured: 10 s take 1.15 times as long alone as in fours."""

    def __init__(self, exported: Path, graph: Path, threads: int, *, precision: str = "bf16") -> None:
        import openvino  # noqa: PLC0415 - optional, and 0.2 s

        settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads} | ALONE
        # OpenVINO reads the weights where they are, as long as this object holds them.
        self._mapped = np.memmap(graph, dtype=np.uint8, mode="c")
        tensor = openvino.Tensor(self._mapped, shared_memory=True)
        model = openvino.Core().import_model(tensor, "CPU", settings)
        self.precision = {"bf16": "bfloat16", "f32": "float32"}[precision]
        self._exported, self._threads = exported, threads
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
            if features.shape[2] > LONGEST * BUCKET:
                return OnnxEncoder(open_session(self._exported, self._threads))(features, lengths)
            found = self._request.infer(
                dict(zip(INPUTS, (features, lengths), strict=True)), share_inputs=True, share_outputs=True
            )
            encoded, counts = (found[one] for one in self._outputs)
            return rows(encoded, counts)


def load(located: Located, threads: int) -> OpenVinoEncoder:
    """The encoder of an export, compiled where that was not done yet.

    Raises:
        OSError: there is no room for the compiled graph.
        RuntimeError: OpenVINO cannot read the export.
    """
    graph = compiled(located)
    try:
        return OpenVinoEncoder(located.path / ENCODER, graph, threads)
    except RuntimeError:
        # Half a disk's failure: what is derived is made again.
        log.warning("%s cannot be loaded; it is made again", graph.parent)
        shutil.rmtree(graph.parent, ignore_errors=True)
        return OpenVinoEncoder(located.path / ENCODER, compiled(located), threads)


def compiled(located: Located) -> Path:
    """The graph of an export's encoder, compiled with weights of 16 bits; made once for each kind of processor.

    Raises:
        OSError: there is no room for it.
        RuntimeError: OpenVINO cannot read the export.
    """
    import openvino  # noqa: PLC0415 - optional, and 0.2 s

    core = openvino.Core()

    def make(folder: Path) -> None:
        from gpu_job.speech.onnx import openvino_graph  # noqa: PLC0415 - as above

        log.info("compiling the encoder of %s for bfloat16, once (some seconds)", located.path)
        linked = any(one.is_symlink() for one in located.path.glob(f"{ENCODER}*"))
        with copies(located.path, [ENCODER], folder) if linked else nullcontext(located.path) as plain:
            model = core.read_model(plain / ENCODER)
            openvino_graph.prepare(model, LONGEST)
            # From a file with weights of 16 bits it takes half the memory.
            openvino.save_model(model, folder / GRAPH, compress_to_fp16=True)
            del model
        graph = core.compile_model(folder / GRAPH, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"} | ALONE)
        (folder / COMPILED).write_bytes(graph.export_model().getbuffer())
        del graph
        for part in (folder / GRAPH, (folder / GRAPH).with_suffix(".bin")):
            part.unlink()

    # One of another version or processor may load, and compute something else.
    made_for = f"{openvino.get_version()} {core.get_property('CPU', 'FULL_DEVICE_NAME')}"
    name = f"{FORM}-{hashlib.sha256(made_for.encode()).hexdigest()[:8]}"
    return derived(located, name, make) / COMPILED
