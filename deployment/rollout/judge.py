"""Whether a release goes forward, stays or goes back. Pure; every limit is in `Limits`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When to go forward and when back."""

    shares: tuple[float, ...] = (10.0, 50.0, 100.0)
    """Percent of the traffic and of the recordings, step by step."""
    holds: tuple[float, ...] = (2 * 3600.0, 24 * 3600.0)
    """Seconds that each step but the last holds at least."""
    least: int = 20
    """Recordings of the new release that must have ended before the next step."""
    errors_back: float = 0.10
    """Share of errors above which it goes back …"""
    lasting: float = 300.0
    """… when they last for so many seconds."""
    errors_forward: float = 0.01
    """Share of errors below which it goes forward."""
    slower: float = 2.0
    """Times the old release's p95 above which it goes back."""
    probes: int = 3
    """Failed health checks with which it goes back."""
    fallbacks: float = 0.10
    """Share of chunks handed to another engine above which it goes back."""
    dearer: float = 1.20
    """Times the old release's cost of an hour of audio above which it goes back."""
    few: int = 5
    """Fewest attempts, or requests, in `lasting` seconds for a share of errors to count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What one release did in some time."""

    ended: int = 0
    """Recordings that ended."""
    failed: int = 0
    """Recordings that ended as FAILED, for whatever reason."""
    p95: float | None = None
    """Seconds from upload to transcript that 95 % of the recordings took at most; None if none was done."""
    chunks: int = 0
    """Chunks of these recordings."""
    handed_on: int = 0
    """Chunks that an engine of this release gave to another one."""
    usd: float = 0.0
    """Cost, US dollars."""
    audio: float = 0.0
    """Seconds of audio transcribed for it."""

    @property
    def usd_hour(self) -> float | None:
        """Cost of an hour of audio, US dollars; None if none was transcribed."""
        return self.usd * 3600 / self.audio if self.audio > 0 else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Errors:
    """How much fails."""

    share: float
    """Share of all, beyond what is usual, 0 to 1."""
    what: str
    """What fails, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recent:
    """What the new release did in the last `lasting` seconds."""

    attempts: int = 0
    """Attempts of its engines that ended."""
    attempts_failed: int = 0
    """Those that failed, unless the recording was the cause."""
    requests: int = 0
    """Requests to its functions."""
    requests_failed: int = 0
    """Those that its functions answered with 5xx."""
    requests_usual: float = 0.0
    """Share of 5xx among the old release's answers, a day before and since: a message to be redelivered is one."""
    probes_failed: int = 0
    """Failed health checks of its revisions since the step began."""

    def errors(self, few: int) -> Errors:
        """The larger share of errors among attempts and requests; of fewer than `few` it is 0."""
        found = [
            Errors(share=max(0.0, bad / of - usual), what=f"{bad} of {of} {what} failed")
            for bad, of, usual, what in (
                (self.attempts_failed, self.attempts, 0.0, "attempts"),
                (self.requests_failed, self.requests, self.requests_usual, "requests"),
            )
            if of >= few
        ]
        return max(found, key=lambda one: one.share, default=Errors(share=0.0, what="nothing failed"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Everything that is known at one moment."""

    new: Figures
    """The new release since the step began."""
    old: Figures
    """The old one, in the same time and before."""
    recent: Recent = field(default_factory=Recent)
    """The new one just now."""
    cold: float = 0.0
    """Seconds that its recordings may take longer, because workers with a lane of their own start for few of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What to do."""

    action: Literal["forward", "stay", "back"]
    """What to do."""
    reason: str
    """Why, in one sentence."""
    bad_since: Mapping[str, float] = field(default_factory=dict)
    """Since when each lasting trouble is seen, seconds since 1970; given back with the next look."""


def judge(
    seen: Seen, step: int, began: float, now: float, limits: Limits, bad_since: Mapping[str, float]
) -> Verdict:
    """What becomes of a release.

    Times are seconds since 1970; `step` is the index of the present share, and `bad_since` that of the last verdict.
    """
    errors = seen.recent.errors(limits.few)
    bad = {"errors": bad_since.get("errors", now)} if errors.share > limits.errors_back else {}
    if bad and now - bad["errors"] >= limits.lasting:
        minutes = limits.lasting / 60
        return Verdict(action="back", reason=f"{errors.what} ({errors.share:.0%}), for {minutes:g} minutes")
    if trouble := _trouble(seen, limits):
        return Verdict(action="back", reason=trouble)
    share = limits.shares[step]
    failed = _failed(seen, limits)
    last = step == len(limits.shares) - 1
    hold = 0.0 if last else limits.holds[min(step, len(limits.holds) - 1)]
    left = began + hold - now
    if bad:
        reason = f"{errors.what} ({errors.share:.0%}); it goes back if that lasts for {limits.lasting / 60:g} minutes"
    elif seen.new.ended < limits.least:
        reason = f"{seen.new.ended} of {limits.least} recordings of the new release have ended at {share:g} %"
    elif left > 0:
        reason = f"{share:g} % holds for {_hours(left)} more"
    elif max(errors.share, failed) >= limits.errors_forward:
        reason = (
            f"{max(errors.share, failed):.1%} errors: forward only below {limits.errors_forward:.0%}. "
            "Look at `dropscribe status`; `make rollback` goes back"
        )
    else:
        return Verdict(action="forward", reason=f"{seen.new.ended} recordings did well at {share:g} %")
    return Verdict(action="stay", reason=reason, bad_since=bad)


def _failed(seen: Seen, limits: Limits) -> float:
    """Share of the recordings that failed, beyond that of the old release: some files cannot be transcribed by any."""
    if not seen.new.ended:
        return 0.0
    usual = seen.old.failed / seen.old.ended if seen.old.ended >= limits.least else 0.0
    return max(0.0, seen.new.failed / seen.new.ended - usual)


def _trouble(seen: Seen, limits: Limits) -> str:
    """Why it goes back at once; empty if it does not."""
    new, old, recent = seen.new, seen.old, seen.recent
    if recent.probes_failed >= limits.probes:
        return f"{recent.probes_failed} health checks of the new revisions failed"
    if new.chunks >= limits.least and new.handed_on > limits.fallbacks * new.chunks:
        share = new.handed_on / new.chunks
        return f"{share:.0%} of its chunks went to another engine (more than {limits.fallbacks:.0%})"
    if new.ended >= limits.least and (more := _failed(seen, limits)) > limits.errors_back:
        return f"{new.failed} of {new.ended} recordings failed ({more:.0%} more than usual)"
    # With fewer there is nothing to compare.
    return _worse(new, old, limits, seen.cold) if min(new.ended, old.ended) >= limits.least else ""


def _worse(new: Figures, old: Figures, limits: Limits, cold: float) -> str:
    if new.p95 is not None and old.p95 and new.p95 > limits.slower * old.p95 + cold:
        return (
            f"95 % of its recordings took up to {new.p95:.0f} s, against {old.p95:.0f} s with the old release"
        )
    if new.usd_hour is not None and old.usd_hour and new.usd_hour > limits.dearer * old.usd_hour:
        return f"an hour of audio costs ${new.usd_hour:.4f}, with the old release ${old.usd_hour:.4f}"
    return ""


def _hours(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
