"""Places decoded frames on an axis of 16 kHz mono samples.

With `both` it has three channels: the mix, and both channels of a stereo recording before they are mixed.

Consecutive frames pass through one resampler as one run. Where time jumps, or the format or the mix of channels changes,
the run is flushed. Another one begins at the sample given by its timestamp, with silence in the gap. So positions never
drift from the timestamps by more than the tolerance.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from av.error import BlockingIOError as NothingYet
from av.filter import Graph

from shared.audio.decoding import downmix
from shared.audio.types import SAMPLE_RATE, WIDTH, WITH_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from av.audio.frame import AudioFrame

TOLERANCE = 0.05
"""Seconds by which timestamps may differ from the count of samples: those of coarse clocks do by 20 ms."""
EXACT = 0.002
"""The same immediately after damage."""
FILTER_LENGTH = 0.05
"""Seconds of sound after the end on which the samples before it may depend: more than the resampler's filter takes."""
BLOCK = 32_768
"""Samples that the resampler takes at one time: a call for each frame of mp3 (1,152) costs as much as its work."""
COMPARED = 8
"""Channels are compared in one block of so many: frames that wait for it are out of the processor's cache by then."""
THREE = "3.0"
"""FFmpeg's name of a layout of three channels: the mix and both channels, to which it does nothing."""
CANCELS = "the channels cancel each other out: the loudest of them was taken alone"
"""The warning where a mix of all channels would be far quieter than one of them."""
SUBWOOFER = "sound is only on the channel that the file calls a subwoofer: it was taken"
"""The warning where a named subwoofer holds all there is."""


class Timeline:
    """Collects frames and emits samples in order.

    Args:
        emit: takes 16-bit mono samples at 16 kHz.
        begin: where the output starts on the axis of `add`, seconds; what lies before is dropped.
        end: where it stops; None: never.
        both: whether each sample is followed by those of the two channels, or twice by itself if there are more or fewer.
    """

    def __init__(
        self, emit: Callable[[bytes], None], *, begin: float, end: float | None, both: bool = False
    ) -> None:
        self._emit = emit
        self._both = both
        self._width = WITH_CHANNELS if both else WIDTH
        self._silence = bytes(self._width * SAMPLE_RATE)
        self._begin = begin
        self._limit = None if end is None else max(0, round((end - begin) * SAMPLE_RATE))
        self._needed = math.inf if end is None else end + FILTER_LENGTH
        self._running = False
        self._graph: Graph | None = None  # of the present mix; made when its first frames go in
        self._format: tuple[str, str, int] = ("", "", 0)
        self._channels = 1
        self._weights: tuple[float, ...] | None = None  # of the channels; None: as their loudspeakers say
        self._waiting: list[AudioFrame] = []  # of the present run, not yet in its graph
        self._into_graph: Callable[[AudioFrame], None]
        self._push: Callable[[AudioFrame], None] = self._waiting.append  # or straight into the graph
        self._unseen = 0  # blocks that go straight into it until channels are compared again
        self._queued = 0  # samples since its output was fetched, waiting ones included
        self._samples = 0  # of the present mix, at its own rate
        self._rate = 1
        self._start = begin  # of the present mix
        self._made = 0  # samples of the present mix, at 16 kHz
        self._drop = 0  # samples of the present mix's output that lie before what is already out
        self.out = 0
        self.full = self._limit == 0
        self.reached = begin
        """Where the audio added so far ends, seconds on the axis of `add`."""
        self.warnings: list[str] = []
        """What the owner should know."""

    def add(self, frame: AudioFrame, time: float | None, *, tolerance: float = TOLERANCE) -> None:
        """Place one decoded frame.

        Args:
            frame: any format, rate and layout.
            time: of its first sample, seconds; None: immediately after the frame before.
            tolerance: seconds by which `time` may differ from there before it counts as a jump.
        """
        jump = 0.0 if time is None else time - self.reached
        if not -tolerance <= jump <= tolerance:
            self.finish()
        self.follow(frame, jump)

    def follow(self, frame: AudioFrame, jump: float) -> None:
        """Place one decoded frame immediately after the frame before, as `add` does one that is within the tolerance.

        Args:
            frame: any format, rate and layout.
            jump: seconds between the two by its timestamp: there it is placed where it begins a new run.
        """
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if not self._running or form != self._format:
            self.finish()
            self._begin_run(frame, form, self.reached + jump)
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
                goes_on, samples = self._running, 0
        self._count(samples)

    def finish(self) -> None:
        """Emit what is still buffered, and end the run."""
        if self._running:
            self._drain()
            self._end_mix()
            self._running = False

    def _count(self, samples: int) -> None:
        self._samples += samples
        self._queued += samples
        self.reached = self._start + self._samples / self._rate
        if self.reached >= self._needed:
            self.finish()
        elif self._queued >= BLOCK:
            self._drain()

    def _begin_run(self, frame: AudioFrame, form: tuple[str, str, int], start: float) -> None:
        self._running, self._format, self._rate = True, form, frame.sample_rate
        self._channels = frame.layout.nb_channels
        self._weights = None if downmix.is_named(form[1]) else (1 / self._channels,) * self._channels
        self._begin_mix(start)

    def _begin_mix(self, start: float) -> None:
        """Begin to mix with the present weights at a time."""
        self._graph = None
        self._push = self._waiting.append
        self._samples, self._start, self._made = self._queued, start, 0
        position = round((start - self._begin) * SAMPLE_RATE)
        self._drop = max(0, self.out - position)
        while self.out < position and not self.full:
            self._put(self._silence[: self._width * (position - self.out)])

    def _new_graph(self) -> Graph:
        sample_format, layout, rate = self._format
        graph = Graph()
        graph.threads = 1  # a thread per processor would cost memory and gain nothing
        steps = [
            graph.add(
                "abuffer",
                sample_rate=str(rate),
                sample_fmt=sample_format,
                channel_layout=layout if downmix.is_named(layout) else f"{self._channels} channels",
                time_base=f"1/{rate}",
            ),
            graph.add("asetnsamples", nb_out_samples=str(BLOCK), pad="0"),
        ]
        weights = (0.5, 0.5) if self._weights is None and self._channels == 2 else self._weights
        mix = "+".join(f"{weight:.6f}*c{one}" for one, weight in enumerate(weights or ()) if weight)
        if self._both and self._channels == 2:
            steps.append(graph.add("pan", args=f"{THREE}|c0={mix}|c1=c0|c2=c1"))
        elif self._weights is not None:
            steps.append(graph.add("pan", args=f"mono|c0={mix}"))
        if self._both and self._channels != 2:
            steps.append(graph.add("aformat", channel_layouts="mono"))
            steps.append(graph.add("pan", args=f"{THREE}|c0=c0|c1=c0|c2=c0"))
        layout = THREE if self._both else "mono"
        steps.append(
            graph.add("aformat", sample_rates=str(SAMPLE_RATE), sample_fmts="s16", channel_layouts=layout)
        )
        steps.append(graph.add("abuffersink"))
        for one, following in pairwise(steps):
            one.link_to(following)
        graph.configure()
        self._into_graph = steps[0].push  # that of the graph looks for its source each time
        return graph

    def _end_mix(self) -> None:
        """Emit what the resampler still holds."""
        if self._graph is not None:
            self._graph.push(None)
            self._pull()
        # The resampler holds back what is shorter than its filter.
        missing = round(self._samples / self._rate * SAMPLE_RATE) - self._made
        self._release(self._silence[: self._width * max(0, missing)])
        self._graph = None

    def _drain(self) -> None:
        """Mix and resample what waits."""
        if self._waiting and self._channels > 1:
            self._unseen = COMPARED if self._choose_mix() else 1
        if self._graph is None:
            self._graph = self._new_graph()
        for frame in self._waiting:
            self._into_graph(frame)
        self._waiting.clear()
        self._queued = 0
        self._unseen -= 1
        goes_straight = self._channels == 1 or self._unseen > 0
        self._push = self._into_graph if goes_straight else self._waiting.append
        self._pull()

    def _choose_mix(self) -> bool:
        """Take other weights from the waiting frames on, where their channels cancel each other out, or no longer do.

        Returns:
            False where they are too quiet to tell.
        """
        chosen = downmix.weights(self._waiting, self._channels)
        if chosen is None:
            return False
        alone = max(chosen) == 1.0
        if alone and not self.warnings:
            self.warnings.append(SUBWOOFER if downmix.only_subwoofer(chosen, self._waiting) else CANCELS)
        weights = chosen if alone or not downmix.is_named(self._format[1]) else None
        if weights == self._weights:
            return True
        if self._graph is not None:
            self._samples -= self._queued
            self._end_mix()
            self._begin_mix(self._start + self._samples / self._rate)
        self._weights = weights
        return True

    def _pull(self) -> None:
        assert self._graph is not None
        parts = []
        while True:
            try:
                frame = self._graph.pull()
            except (NothingYet, EOFError):
                break
            parts.append(memoryview(frame.planes[0])[: self._width * frame.samples])  # type: ignore[union-attr]  # audio in, audio out
        self._release(b"".join(parts))

    def _release(self, data: bytes) -> None:
        samples = len(data) // self._width
        self._made += samples
        if self._drop:
            cut = min(self._drop, samples)
            self._drop -= cut
            data = data[self._width * cut :]
        self._put(data)

    def _put(self, data: bytes) -> None:
        if self._limit is not None and self.out + len(data) // self._width >= self._limit:
            data = data[: self._width * (self._limit - self.out)]
            self.full = True
        if data:
            self.out += len(data) // self._width
            self._emit(data)
