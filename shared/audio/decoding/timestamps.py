"""Which of a recording's timestamps are believed.

Decoded frames follow one another; their timestamps should say the same. Those of screen recorders wobble, those of
network cameras come in bursts, single ones are wrong by hours, and a restarted encoder begins to count anew. So where a
timestamp disagrees with the count of samples, the frames are held until it is clear what happened:

    the stamps come back         they wobbled, or one was wrong: the frames follow one another
    they stay later              a true gap: silence stands in it
    they stay earlier, a little  sound that is there twice: what overlaps is dropped
    they stay earlier, by far    the clock was set back: what follows goes on without a gap
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from shared.audio.decoding.timeline import EXACT, TOLERANCE, Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.audio.frame import AudioFrame


CONFIRMED = 1.0
"""Seconds of sound whose timestamps all say that time has jumped, until it is believed."""
OPENING = 8
"""Frames at the beginning whose timestamps vote on where it is."""
MOST_ASKED = 256
"""Frames in that second up to which each is asked again behind a jump. Of more, which real recordings have for a moment
at most, all go on without a gap: a file whose every sample jumps would otherwise cost the square of its length."""
FEWEST = 3
"""Frames that must say so at the end of the recording, where there are no more."""
WOBBLE = 0.25
"""Seconds of a jump at the end that so few frames may as well only wobble."""
SET_BACK = 1.0
"""Seconds back from which on a clock was set back; less is sound that is there twice."""
LONGEST_GAP = 3600.0
"""Seconds; a longer jump in a recording whose length is unknown is a clock that was set, not silence."""
WORTH_A_WARNING = 0.5
"""Seconds dropped or inserted."""
MOST_TOLD = 10
"""Jumps that are told one by one; the others are counted."""


class Timestamps:
    """Places frames on a timeline by their timestamps, as far as these are to be believed.

    Args:
        timeline: takes the frames.
        open_ended: whether the length of the recording is unknown.
        shift: added to the times in warnings, seconds.
    """

    def __init__(self, timeline: Timeline, *, open_ended: bool, shift: float = 0.0) -> None:
        self._told: list[str] = []
        self._untold = 0
        self._timeline = timeline
        self._open_ended = open_ended
        self._opening = True
        self._offset = shift
        self._shift = 0.0  # added to every timestamp, after clocks that were set
        self._held: list[tuple[AudioFrame, float | None]] = []
        self._seconds = 0.0  # of the held frames

    @property
    def warnings(self) -> list[str]:
        """What the owner should know, of each chunk in a bounded number."""
        if not self._untold:
            return list(self._told)
        return [
            *self._told,
            f"{self._untold} more jumps like these: the timestamps of this recording are not reliable",
        ]

    @property
    def reached(self) -> float:
        """Where the audio added so far ends, seconds; where the held frames end if they follow one another."""
        if self._opening:
            for frame, time in reversed(self._held):
                if time is not None:
                    return time + frame.samples / frame.sample_rate
        return self._timeline.reached + self._seconds

    def add(self, frame: AudioFrame, time: float | None, *, tolerance: float = TOLERANCE) -> None:
        """Place one decoded frame, or hold it.

        Args:
            frame: any format, rate and layout.
            time: by its timestamp, seconds; None: immediately after the frame before.
            tolerance: seconds by which `time` may differ from there before it counts as a jump. Less than usual says
                that a jump is expected, because something before the frame was lost.
        """
        if self._opening:
            self._hold(frame, time)
            if len(self._held) >= OPENING:
                self._open()
            return
        # Of nearly all frames, that is all: some hundred a second of sound pass here.
        jump = 0.0 if time is None else time + self._shift - self._timeline.reached - self._seconds
        if -tolerance <= jump <= tolerance:
            if self._held:
                self._join()
                jump = 0.0  # a jump of exactly the tolerance would be rounded to more than it
            self._timeline.follow(frame, jump)
        elif tolerance < TOLERANCE and not self._held and abs(jump) < SET_BACK:
            self._place(frame, jump)
        else:
            self._hold(frame, time)
            if self._seconds >= CONFIRMED:
                self._confirm()

    def finish(self) -> None:
        """Place what is still held."""
        if self._opening:
            self._open()
        while self._held:
            if len(self._held) >= FEWEST and abs(self._jump_of(self._held)) > WOBBLE:
                self._confirm()
            else:
                self._join()

    def _hold(self, frame: AudioFrame, time: float | None) -> None:
        self._held.append((frame, time))
        self._seconds += frame.samples / frame.sample_rate

    def _let_go(self) -> list[tuple[AudioFrame, float | None]]:
        held, self._held, self._seconds = self._held, [], 0.0
        return held

    def _open(self) -> None:
        """Place the first frame: where its own timestamp says, unless most others disagree by far."""
        held, self._opening = self._let_go(), False
        if starts := _starts(held):
            frame, time = held.pop(0)
            middle = median(starts)
            self._timeline.add(frame, time if time is not None and abs(time - middle) < SET_BACK else middle)
        for frame, time in held:
            self.add(frame, time)

    def _join(self) -> None:
        for frame, _ in self._let_go():
            self._timeline.add(frame, None)

    def _confirm(self) -> None:
        """Believe what all held timestamps say; those behind the first are asked again, unless they are many."""
        held = self._let_go()
        self._place(held[0][0], self._jump_of(held))
        many = len(held) > MOST_ASKED
        for frame, time in held[1:]:
            if not many:
                self.add(frame, time)
            elif not self._timeline.full:
                self._timeline.add(frame, None)

    def _jump_of(self, held: list[tuple[AudioFrame, float | None]]) -> float:
        """By how much all these frames, which nothing precedes but what is placed, say at least that time jumped."""
        placed = self._timeline.reached - self._shift
        jumps = [start - placed for start in _starts(held)]
        return max(0.0, min(jumps)) or min(0.0, max(jumps))

    def _tell(self, warning: str) -> None:
        if len(self._told) < MOST_TOLD:
            self._told.append(warning)
        else:
            self._untold += 1

    def _place(self, frame: AudioFrame, jump: float) -> None:
        """Place a frame so much after the one before it, or right behind it where its clock was set."""
        reached = self._timeline.reached
        at = f"{reached + self._offset:.1f} s"
        if jump <= -SET_BACK or (self._open_ended and jump > LONGEST_GAP):
            self._shift -= jump
            way = "back" if jump < 0 else "forward"
            self._tell(
                f"the clock of the recording was set {way} by {abs(jump):.1f} s at {at}: what follows goes on without a gap"
            )
            jump = 0.0
        elif jump > WORTH_A_WARNING:
            self._tell(
                f"{jump:.1f} s of sound are missing at {at}, where the recorder paused or the file is damaged: silence "
                "stands there"
            )
        elif jump < -WORTH_A_WARNING:
            self._tell(f"{-jump:.1f} s of sound at {at} are there twice: they were dropped once")
        self._timeline.add(frame, reached + jump if jump else None, tolerance=EXACT)


def _starts(held: Sequence[tuple[AudioFrame, float | None]]) -> list[float]:
    """When the first of some frames that follow one another begins, by the timestamp of each that has one."""
    before, starts = 0.0, []
    for frame, time in held:
        if time is not None:
            starts.append(time - before)
        before += frame.samples / frame.sample_rate
    return starts
