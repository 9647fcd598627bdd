"""What `speed.py` compares: ways from wav files to their texts, with the same weights.

A contender is a function of a `Job`. It loads, tries its options on the trial files, and gives a function from files
to (their texts, where the time went) and a line that says how it does it. `contest.py` runs it in its process.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.engines.job import Job, MissingError
from gpu_job.cores import cores
from gpu_job.weights.catalogue import BUNDLED
from tests.speech import read_media


def ours_onnx(job: Job):
    """The product on a processor: what `dropscribe transcribe` does, from the files to the last output file."""
    if job.device != "cpu" or job.model.endswith(".nemo"):
        raise MissingError("the ONNX engine runs on processors, from an export")
    from gpu_job.speech.onnx import onnx_engine

    return _ours(job, onnx_engine.load(job.model))


def ours_nemo(job: Job):
    """The same with the engine that runs on GPUs."""
    _needs_nemo()
    from gpu_job.speech.nemo import nemo_engine

    return _ours(job, nemo_engine.load(job.model, device=job.device))


def _ours(job: Job, engine):
    from bench.flow import WholeFlow

    engine.warm_up()
    flow = WholeFlow(engine, lambda run: (run.texts, {"inference": run.inference}))
    flow(flow.prepare(job.trial))
    return flow, f"the whole flow; {engine.device.dtype}; {engine.device.graphs}"


def our_worker(job: Job):
    """The part of the product that a machine with a GPU runs, with the engine of a processor: the worker alone."""
    if job.device != "cpu" or job.model.endswith(".nemo"):
        raise MissingError("the ONNX engine runs on processors, from an export")
    if job.kind != "bag":
        raise MissingError("the chunks of long files are joined elsewhere")
    from gpu_job.speech.onnx import onnx_engine

    engine = onnx_engine.load(job.model)
    engine.warm_up()
    worker = PlannedFiles(engine)
    worker(worker.prepare(job.trial))
    return worker, f"from messages to kept results; {engine.device.dtype}"


class PlannedFiles:
    """Files that were routed and planned elsewhere, through a worker.

    Args:
        engine: the worker's.
    """

    def __init__(self, engine):
        self._engine = engine

    def prepare(self, paths):
        """What the router does, on machines of its own: not timed. Decoding processes are there, as the weights."""
        from bench.flow import DECODERS, Settings, open_ports
        from shared.flow import upload

        folder = tempfile.TemporaryDirectory()
        settings = Settings(
            state_dir=Path(folder.name), engines=self._engine.engine, model=self._engine.model
        )
        ports = open_ports(settings)
        planned = [upload.on_object(ports.file(Path(path)), ports).id for path in paths]
        ports.close()
        ports = open_ports(settings)
        ports.media.warm(DECODERS, wait=True)
        return folder, ports, planned

    def __call__(self, prepared):
        """The texts, and nothing more to say."""
        from bench.keeps_up import work_off
        from shared.flow.chunk import result_name
        from shared.messages import decode
        from shared.results import ChunkResult

        folder, ports, planned = prepared
        _, _, summary = work_off(ports, self._engine, len(planned))
        texts = []
        for key in planned:
            data = ports.store.load(ports.settings.work_bucket, result_name(key, 0))
            texts.append(" ".join(word.text for word in decode(data, ChunkResult).words))
        ports.close()
        folder.cleanup()
        return texts, {"inference": summary.busy_seconds}


def onnx_asr_recipe(job: Job):
    """onnx-asr: with silero's voice detection over long files; the best of its batch sizes and ways."""
    import onnx_asr

    if job.device != "cpu" or job.model != "tiny":
        raise MissingError("it is compared with the demo weights on a processor only")
    if job.kind == "bag":
        model = onnx_asr.load_model("nemo-conformer-tdt", BUNDLED)

        def recognise(paths, size):
            return [text for part in _parts(paths, size) for text in model.recognize(part)], {}

        size = _fastest((1, 4, 8, 16), lambda size: recognise(job.trial, size))
        return lambda paths: recognise(paths, size), f"recognize(…), {size} files at a time"
    silero = importlib.util.find_spec("silero_vad")
    if silero is None or silero.origin is None:
        raise MissingError(
            "onnx-asr's recipe needs the weights in the package silero-vad: `make bench` installs it"
        )
    vad = onnx_asr.load_vad("silero", Path(silero.origin).parent / "data")
    model = onnx_asr.load_model("nemo-conformer-tdt", BUNDLED)

    def recognise_long(paths, batch_size, times):
        adapter = model.with_vad(vad, batch_size=batch_size)
        if times:
            adapter = adapter.with_timestamps()
        return [" ".join(segment.text for segment in adapter.recognize(path)) for path in paths], {}

    size, times = _fastest(
        [(size, times) for size in (4, 8, 16) for times in (False, True)],
        lambda option: recognise_long(job.trial, *option),
    )
    label = f"with_vad(silero, batch_size={size}){'.with_timestamps()' if times else ''}"
    return lambda paths: recognise_long(paths, size, times), label


def nemo_files(job: Job):
    """NeMo's `transcribe()` on the files; the best of its batch sizes and numbers of loading processes.

    An hour at once does not fit full attention, so long files get local attention, as the model card of
    Parakeet TDT 0.6B v3 has it.
    """
    model = nemo_model(job)
    how = ""
    if job.kind == "hours":
        model.change_attention_model("rel_pos_local_attn", [256, 256])
        how = ", local attention of 256 frames"

    def recognise(paths, batch_size, workers):
        heard = model.transcribe(
            [str(path) for path in paths], batch_size=batch_size, num_workers=workers, verbose=False
        )
        return [one.text for one in heard], {}

    short = (8, 16, 32) if job.device == "cpu" else (32, 64, 128)
    sizes = short if job.kind == "bag" else sorted({1, len(job.files)})
    options = [(size, workers) for size in sizes for workers in (0, min(8, cores()))]
    size, workers = _fastest(options, lambda option: recognise(job.trial, *option))
    label = f"transcribe(files, batch_size={size}, num_workers={workers}){how}, {_dtype(model)}"
    return lambda paths: recognise(paths, size, workers), label


def nemo_windows(job: Job):
    """NeMo's `transcribe()` with our help: windows of 15 s, cut at the silences that we find."""
    if job.kind != "hours":
        raise MissingError("short files need no cutting")
    model = nemo_model(job)
    from gpu_job.speech.windowing import cut

    def recognise(paths, batch_size):
        sounds, of = [], []
        for number, path in enumerate(paths):
            samples = read_media(path)
            windows = cut(samples, target=15.0)
            sounds += [samples[w.start : w.end].astype(np.float32) / 32768 for w in windows]
            of += [number] * len(windows)
        heard = model.transcribe(sounds, batch_size=batch_size, num_workers=0, verbose=False)
        texts = [[] for _ in paths]
        for number, one in zip(of, heard, strict=True):
            texts[number].append(one.text)
        return [" ".join(parts) for parts in texts], {}

    sizes = (4, 8, 16, 32) if job.device == "cpu" else (16, 32, 64, 128)
    size = _fastest(sizes, lambda size: recognise(job.trial, size))
    return lambda paths: recognise(paths, size), f"our windows of 15 s, batch_size={size}, {_dtype(model)}"


def nemo_script(job: Job):
    """NeMo's script for long audio, `speech_to_text_streaming_infer_rnnt.py`: see `nemo_script.py`."""
    if job.kind != "hours":
        raise MissingError("NeMo's script for long audio is for long audio")
    model = nemo_model(job)
    from bench.engines.nemo_script import LongAudio

    def recognise(paths, contexts):
        return LongAudio(model, *contexts)([str(path) for path in paths]), {}

    contexts = _fastest([(10.0, 10.0, 5.0), (10.0, 30.0, 5.0)], lambda one: recognise(job.trial, one))
    label = "{:g} s of context, {:g} s, {:g} s of context".format(*contexts)
    return (
        lambda paths: recognise(paths, contexts),
        f"{label}; all files in one batch, {_dtype(model)}",
    )


def nemo_model(job: Job):
    """NeMo's own model, as it is loaded for recognising: in two bytes on a GPU."""
    _needs_nemo()
    import logging

    import torch
    from nemo.collections.asr.models import ASRModel
    from nemo.utils import logging as nemo_logging
    from omegaconf import open_dict

    nemo_logging.setLevel(logging.ERROR)
    torch.set_grad_enabled(False)
    torch.set_float32_matmul_precision("high")
    torch.set_num_threads(cores())
    path = BUNDLED / "tiny-tdt.nemo" if job.model == "tiny" else job.model
    model = ASRModel.restore_from(str(path), map_location=job.device).eval()
    if job.device == "cuda" and torch.cuda.is_bf16_supported():
        model.to(torch.bfloat16)
    if model.cfg.get("validation_ds") is None:
        with open_dict(model.cfg):
            model.cfg.validation_ds = {"use_start_end_token": False}  # `transcribe` looks into it
    return model


def _needs_nemo() -> None:
    if importlib.util.find_spec("nemo") is None or importlib.util.find_spec("torch") is None:
        raise MissingError("torch and NeMo are not installed: `make bench` installs them")


def _dtype(model) -> str:
    return str(next(model.parameters()).dtype).removeprefix("torch.")


def _parts(values, size):
    return [list(values[first : first + size]) for first in range(0, len(values), size)]


def _fastest(options, work):
    """The fastest option that works, after a warm-up. One that takes too much memory does not."""
    taken = {}
    work(options[0])
    for option in options:
        started = time.perf_counter()
        try:
            work(option)
        except Exception as error:
            if "memory" not in str(error):
                raise
            continue
        taken[option] = time.perf_counter() - started
    return min(taken, key=taken.__getitem__)


CONTENDERS = {
    "Dropscribe, worker": our_worker,
    "Dropscribe, ONNX": ours_onnx,
    "Dropscribe, NeMo": ours_nemo,
    "onnx-asr": onnx_asr_recipe,
    "NeMo, files": nemo_files,
    "NeMo, our windows": nemo_windows,
    "NeMo, long script": nemo_script,
}
OURS = ("Dropscribe, worker", "Dropscribe, ONNX", "Dropscribe, NeMo")
NEMO = ("NeMo, files", "NeMo, long script")
"""NeMo's own ways."""
