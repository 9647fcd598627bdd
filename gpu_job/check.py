"""`python -m gpu_job --check`: does this machine recognise speech, and how fast does it start?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from gpu_job.loading import warm_up
from gpu_job.speech import windowing
from gpu_job.speech.transcriber import SAMPLE_RATE, Transcriber
from gpu_job.weights.catalogue import TINY
from shared.audio import Sandbox
from shared.audio.local_file import decode_whole
from shared.bundled import bundled
from shared.errors import DropscribeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gpu_job.start_up import StartUp
    from gpu_job.voices.diarizer import Diarizer

SAMPLE = bundled("samples/voice-note.opus")


def run(
    load: Callable[[str], Transcriber],
    model: str,
    *,
    start_up: StartUp | None = None,
    load_diarizer: Callable[[], Diarizer] | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Load the weights, transcribe a bundled recording, and report.

    `load` gives the engine for the name of some weights, and tells `start_up` how long each step took; `load_diarizer`
    gives who hears the voices of a recording, or None where its networks are not here.

    Returns:
        0 if the text is right for the demo weights, or not empty for others; 1 otherwise.
    """
    try:
        started = time.perf_counter()
        engine = load(model)
        loaded = time.perf_counter()
        warm_up(engine)
        warm = time.perf_counter()
        device = engine.device
        say(f"weights   {engine.model}, {engine.revision}, {device.dtype}")
        say(f"device    {device.name}" + (f", {device.memory / 1e9:.1f} GB" if device.memory else ""))
        if device.driver:
            say(f"driver    {device.driver}")
        say(f"graphs    {device.graphs}")
        audio = samples()
        windows = windowing.waveforms(audio)
        decoded = time.perf_counter()
        heard = " ".join(word.text for words in engine.transcribe(windows) for word in words)
        done = time.perf_counter()
        voices = _voices(audio, load_diarizer)
    except DropscribeError as error:
        say(f"failed    {error}")
        return 1
    length = len(audio) / SAMPLE_RATE
    library = start_up.library if start_up else 0.0
    say(
        f"seconds   import {library:.2f}, load {loaded - started - library:.2f}, warm-up {warm - loaded:.2f}, decoding {decoded - warm:.2f}, "
        f"inference {done - decoded:.2f} for {length:.1f} s of sound ({length / (done - decoded):.0f} times real time)"
    )
    say(f"speakers  {voices}")
    say(f"text      {heard or '(none)'}")
    if model == TINY and heard != truth():
        say(f"failed    the demo weights should hear: {truth()}")
        return 1
    if not heard:
        say("failed    no word was heard in a recording of speech: the weights or the driver are broken")
        return 1
    return 0


def _voices(audio: NDArray[np.int16], load_diarizer: Callable[[], Diarizer] | None) -> str:
    """Whether speakers can be told apart here, in words. Raises ModelUnavailable."""
    if load_diarizer is None:
        return "not told apart: `dropscribe models pull speakers` fetches the networks"
    diarizer = load_diarizer()
    started = time.perf_counter()
    found = diarizer.diarize(audio, 0.0, len(audio) / SAMPLE_RATE)
    took = time.perf_counter() - started
    return f"{len(found)} voices in {took:.2f} s, networks {diarizer.revision}"


def samples() -> NDArray[np.int16]:
    """The bundled recording as the worker would decode it."""
    with Sandbox() as sandbox:
        return np.frombuffer(decode_whole(SAMPLE, sandbox), np.int16)


def truth() -> str:
    """What is said in it."""
    return " ".join((SAMPLE.parent / "truth" / f"{SAMPLE.name}.txt").read_text("utf-8").split())
