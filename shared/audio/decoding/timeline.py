"""Places decoded frames on an axis of 16 kHz mono samples.

Consecutive frames pass through one resampler as one run. Where time jumps or the format changes, the run is flushed
and another begins at the sample given by its time stamp, with silence in the gap: so positions never drift from the
time stamps by more than the tolerance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from av.error import BlockingIOError as NothingYet
from av.filter import Graph

from shared.audio.types import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from av.audio.frame import AudioFrame

TOLERANCE = 0.05
"""Seconds by which time stamps may differ from the count of samples: those of coarse clocks do by 20 ms."""
EXACT = 0.002
"""The same immediately after damage."""
FILTER_LENGTH = 0.05
"""Seconds of sound after the end on which the samples before it may depend: more than the resampler's filter takes."""
LONGEST_GAP = 3600.0
"""Seconds; a longer jump is a broken time stamp, not silence."""
BLOCK = 32_768
"""Samples that the resampler takes at one time: a call for each frame of mp3 (1,152) costs as much as its work."""
SILENCE = bytes(2 * SAMPLE_RATE)


class Timeline:
    """Collects frames and emits samples in order.

    Args:
        emit: takes 16-bit mono samples at 16 kHz.
        begin: where the output starts on the axis of `add`, seconds; what lies before is dropped.
        end: where it stops; None: never.
    """

    def __init__(self, emit: Callable[[bytes], None], *, begin: float, end: float | None) -> None:
        self.clock_shift = 0.0
        self._emit = emit
        self._begin = begin
        self._limit = None if end is None else max(0, round((end - begin) * SAMPLE_RATE))
        self._needed = math.inf if end is None else end + FILTER_LENGTH
        self._graph: Graph | None = None
        self._push: Callable[[AudioFrame], None]  # into the graph
        self._format: tuple[str, str, int] = ("", "", 0)
        self._queued = 0  # samples given to the present run since its output was fetched
        self._samples = 0  # of the present run, at its own rate
        self._rate = 1
        self._start = begin  # of the present run
        self._made = 0  # samples of the present run, at 16 kHz
        self._drop = 0  # samples of the present run's output that lie before what is already out
        self.out = 0
        self.full = self._limit == 0
        self.reached = begin
        """Where the audio added so far ends, seconds on the axis of `add`."""

    def add(self, frame: AudioFrame, time: float | None, *, tolerance: float = TOLERANCE) -> None:
        """Place one decoded frame.

        Args:
            frame: any format, rate and layout.
            time: of its first sample, seconds; None: immediately after the frame before.
            tolerance: seconds by which `time` may differ from there before it counts as a jump.
        """
        jump = 0.0 if time is None else time + self.clock_shift - self.reached
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._graph is None or form != self._format or not -tolerance <= jump <= tolerance:
            self._start_run(form, jump, tolerance)
        frame.pts = None
        self._push(frame)
        self._count(frame.samples)

    def extend(
        self, frames: Sequence[AudioFrame | None], time: float, each: float, *, tolerance: float = TOLERANCE
    ) -> None:
        """Place frames of equal duration, as `add` does one by one, only faster.

        Args:
            frames: in order; None for one that is lost.
            time: of the first sample of the first one, seconds.
            each: duration of a frame, seconds.
            tolerance: as for `add`.
        """
        goes_on, samples = False, 0
        for number, frame in enumerate(frames):
            if frame is None:
                goes_on = False
            elif goes_on and self._format == (frame.format.name, frame.layout.name, frame.sample_rate):
                frame.pts = None
                self._push(frame)
                samples += frame.samples
            else:
                self._count(samples)
                self.add(frame, time + number * each, tolerance=tolerance)
                goes_on, samples = self._graph is not None, 0
        self._count(samples)

    def finish(self) -> None:
        """Emit what is still buffered."""
        self._finish_run()

    def _start_run(self, form: tuple[str, str, int], jump: float, tolerance: float) -> None:
        """Begin another run if the present one does not continue."""
        if abs(jump) > LONGEST_GAP and self._samples:
            self.clock_shift -= jump
            jump = 0.0
        if self._graph is None or form != self._format or abs(jump) > tolerance:
            self._finish_run()
            self._begin_run(form, self.reached + jump)

    def _count(self, samples: int) -> None:
        self._samples += samples
        self._queued += samples
        self.reached = self._start + self._samples / self._rate
        if self.reached >= self._needed:
            self._finish_run()
        elif self._queued >= BLOCK:
            self._drain()

    def _begin_run(self, form: tuple[str, str, int], start: float) -> None:
        sample_format, layout, rate = form
        graph = Graph()
        graph.threads = 1  # a thread per processor would cost memory and gain nothing
        source = graph.add(
            "abuffer",
            sample_rate=str(rate),
            sample_fmt=sample_format,
            channel_layout=layout,
            time_base=f"1/{rate}",
        )
        blocks = graph.add("asetnsamples", nb_out_samples=str(BLOCK), pad="0")
        shape = graph.add("aformat", sample_rates=str(SAMPLE_RATE), sample_fmts="s16", channel_layouts="mono")
        sink = graph.add("abuffersink")
        source.link_to(blocks)
        blocks.link_to(shape)
        shape.link_to(sink)
        graph.configure()
        self._graph, self._format, self._push = graph, form, source.push
        self._samples, self._rate, self._start, self._made = 0, rate, start, 0
        position = round((start - self._begin) * SAMPLE_RATE)
        self._drop = max(0, self.out - position)
        while self.out < position and not self.full:
            self._put(SILENCE[: 2 * (position - self.out)])

    def _finish_run(self) -> None:
        if self._graph is not None:
            self._graph.push(None)
            self._drain()
            # The resampler holds back what is shorter than its filter.
            missing = round(self._samples / self._rate * SAMPLE_RATE) - self._made
            self._release(SILENCE[: 2 * max(0, missing)])
            self._graph = None

    def _drain(self) -> None:
        assert self._graph is not None
        self._queued = 0
        parts = []
        while True:
            try:
                frame = self._graph.pull()
            except (NothingYet, EOFError):
                break
            parts.append(memoryview(frame.planes[0])[: 2 * frame.samples])  # type: ignore[union-attr]  # audio in, audio out
        self._release(b"".join(parts))

    def _release(self, data: bytes) -> None:
        self._made += len(data) // 2
        if self._drop:
            cut = min(self._drop, len(data) // 2)
            self._drop -= cut
            data = data[2 * cut :]
        self._put(data)

    def _put(self, data: bytes) -> None:
        if self._limit is not None and self.out + len(data) // 2 >= self._limit:
            data = data[: 2 * (self._limit - self.out)]
            self.full = True
        if data:
            self.out += len(data) // 2
            self._emit(data)
