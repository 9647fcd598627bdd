"""Deliver the messages of a subscription to a function, as Pub/Sub push does.

Success acknowledges; anything else gives the message back with back-off, up to the dead letter topic. One
difference: if a function is not running and refuses the connection, that is not counted as a delivery. In
the cloud it would be; here, a restart must not send anything to the dead letters.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import httpx

from gpu_job import last_resort
from local.runtime.events import UNENCRYPTED, identified, pushed
from shared import concurrency
from shared.errors import DropscribeError, Permanent, Transient
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from local.backend.sqlite.queue import SqliteQueue
    from shared.ports import Delivery

_LONGEST_PAUSE = 5.0
_LOOK_SECONDS = 0.2
_SETTLE_SECONDS = 1.0
"""Between two tries to tell the queue what became of a message."""

LIMIT = 660.0
"""Seconds for a delivery: longer than a function behind HTTP may take, and than a call of a hosted engine."""


class NotDeliveredError(Transient):
    """The function is not running: this does not count as a delivery."""


class HttpSender:
    """Posts messages to a function's address. Safe to use from several threads.

    Args:
        url: address of the function.
        token: what the function wants to see.
        timeout: seconds that the function may take for one message.
    """

    def __init__(self, url: str, *, token: str = "", timeout: float = 600.0) -> None:
        self._url = url
        # Proxy settings are for the internet, not for functions on this machine. A kept connection to a function
        # that restarts would break the next delivery, which would then count.
        self._client = httpx.Client(
            headers=identified(token),
            timeout=httpx.Timeout(timeout, connect=5.0),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            verify=UNENCRYPTED,
        )

    def __call__(self, body: bytes, /) -> None:
        """Post a message, as `events.pushed` gives it.

        Raises:
            NotDeliveredError: the function is not running (yet).
            Transient: the function answered with an error, broke off or took too long.
        """
        try:
            response = self._client.post(
                self._url, headers={"content-type": "application/json"}, content=body
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotDeliveredError(f"nothing is listening at {self._url}: {error}") from error
        except httpx.HTTPError as error:
            raise Transient(f"{self._url} did not answer: {type(error).__name__} {error}") from error
        if not response.is_success:
            first_line = response.text.strip().partition("\n")[0][:200]
            raise Transient(f"{self._url} answered {response.status_code}: {first_line}")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


class PushLoop:
    """Pulls one subscription and hands each message to `send`, in threads of its own.

    A lease is renewed at a third of its time for as long as its delivery lasts.

    Args:
        queue: where the messages are.
        subscription: which of them.
        send: an HttpSender, or a function that is called directly.
        at_a_time: deliveries at the same time.
        lease_seconds: how long a message of a killed process stays out of reach.
        limit: seconds that a delivery may take; nothing ends one that takes longer, but its message is redelivered.
    """

    def __init__(
        self,
        queue: SqliteQueue,
        subscription: str,
        send: Callable[[bytes], None],
        *,
        at_a_time: int = 4,
        lease_seconds: float = 60.0,
        limit: float = LIMIT,
    ) -> None:
        self.left_behind: list[str] = []
        """Deliveries that have not returned in time, for a person: their threads keep this process from ending."""
        self._queue = queue
        self._policy = queue.topology.subscription(subscription)
        self._send = send
        self._at_a_time = at_a_time
        self._lease_seconds = lease_seconds
        self._limit = limit
        self._stop = concurrency.Event()
        self._thread: concurrency.Thread | None = None
        self._pause = 0.0
        self._paused_until = 0.0

    def start(self) -> None:
        """Begin to deliver."""
        assert self._thread is None, "a loop is started once"
        self._thread = concurrency.Thread(target=self._run, name=f"push-{self._policy.name}", daemon=True)
        self._thread.start()

    def stop(self, patience: float | None = None) -> None:
        """Finish the deliveries in flight, take no new ones, and return when all but those left behind have ended.

        Args:
            patience: seconds after which to return in any case; None: no limit.
        """
        self.ask_to_stop()
        if self._thread is not None:
            self._thread.join(patience)

    def ask_to_stop(self) -> None:
        """Take no new deliveries; `stop` waits for those in flight."""
        self._stop.set()

    def _run(self) -> None:
        in_flight: dict[concurrency.Future[None], Delivery] = {}
        until: dict[concurrency.Future[None], float] = {}
        renew_at = concurrency.monotonic() + self._lease_seconds / 3
        pool = self._new_pool()
        while in_flight or not self._stop.is_set():
            try:
                if not self._stop.is_set() and len(in_flight) < self._at_a_time:
                    for delivery in self._next(self._at_a_time - len(in_flight)):
                        future = pool.submit(self._deliver, delivery)
                        in_flight[future], until[future] = delivery, concurrency.monotonic() + self._limit
                if concurrency.monotonic() >= renew_at:
                    self._renew(in_flight)
                    renew_at = concurrency.monotonic() + self._lease_seconds / 3
                self._rest(in_flight)
            except Exception as error:  # noqa: BLE001 - without this thread nothing would be delivered any more
                known = isinstance(error, DropscribeError)
                log.warning("%s: %s", self._policy.name, error, exc_info=not known)
                soon = known and not isinstance(error, Permanent)
                concurrency.sleep(_LOOK_SECONDS if soon else _LONGEST_PAUSE)
            for done in [future for future in in_flight if future.done()]:
                del in_flight[done], until[done]
            now = concurrency.monotonic()
            if overdue := [future for future, limit in until.items() if limit <= now]:
                for future in overdue:
                    self._leave_behind(in_flight.pop(future))
                    del until[future]
                # Their threads may never be free again.
                pool.shutdown(wait=False)
                pool = self._new_pool()
        pool.shutdown(wait=False)

    def _new_pool(self) -> concurrency.ThreadPoolExecutor:
        return concurrency.ThreadPoolExecutor(self._at_a_time, thread_name_prefix=f"push-{self._policy.name}")

    def _leave_behind(self, delivery: Delivery) -> None:
        """Renew the lease of a message no more whose delivery does not return."""
        said = f"a delivery of {self._policy.name} has not returned within {self._limit:g} s"
        self.left_behind.append(said)
        log.error("%s: message %s is redelivered", said, delivery.message_id)

    def _next(self, free: int) -> list[Delivery]:
        if concurrency.monotonic() < self._paused_until:
            return []
        # After a refused connection one message is tried before all of them are.
        return self._queue.pull(self._policy.name, 1 if self._pause else free, self._lease_seconds)

    def _rest(self, in_flight: dict[concurrency.Future[None], Delivery]) -> None:
        """Sleep until a delivery ends or, where there is room for more, a message may be due."""
        if self._stop.is_set() or len(in_flight) >= self._at_a_time:
            concurrency.wait(in_flight, timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED")
        elif (pause := self._paused_until - concurrency.monotonic()) > 0:
            self._stop.wait(min(pause, _LOOK_SECONDS))
        else:
            self._queue.wait(self._policy.name, _LOOK_SECONDS)

    def _renew(self, in_flight: dict[concurrency.Future[None], Delivery]) -> None:
        for future, delivery in in_flight.items():
            kept = self._queue.extend(self._policy.name, delivery.lease, self._lease_seconds)
            if not kept and not future.done():
                log.warning(
                    "%s: the lease on message %s ended while it was being handled; it may be handled twice",
                    self._policy.name,
                    delivery.message_id,
                )

    def _deliver(self, delivery: Delivery) -> None:
        settle = self._sent(delivery)
        while True:
            try:
                settle()
            except Transient as error:
                log.warning(
                    "%s: message %s is not settled yet: %s", self._policy.name, delivery.message_id, error
                )
                if self._stop.wait(_SETTLE_SECONDS):
                    return  # the lease runs out, and the message is redelivered
            else:
                return

    def _sent(self, delivery: Delivery) -> Callable[[], bool]:
        """Send a message; what is to become of it now."""
        name, lease = self._policy.name, delivery.lease
        try:
            self._send(pushed(self._policy, delivery))
        except NotDeliveredError as error:
            pause = min(_LONGEST_PAUSE, self._pause * 2 or _LOOK_SECONDS)
            # At first it may be about to start.
            if self._pause < pause == _LONGEST_PAUSE:
                log.info("%s waits: %s", name, error)
            self._pause = pause
            self._paused_until = concurrency.monotonic() + self._pause
            return partial(self._queue.postpone, name, lease, self._pause)
        except Exception as error:  # noqa: BLE001 - whatever a function raises is a failed delivery
            self._pause = 0.0
            log.warning("%s: delivery %d failed: %s", name, delivery.attempt, error)
            return partial(self._queue.nack, name, lease, f"{type(error).__name__}: {error}")
        self._pause = 0.0
        return partial(self._queue.ack, name, lease)


def stop_all(loops: Sequence[PushLoop], patience: float | None = None) -> None:
    """Stop several loops, see `PushLoop.stop`: they finish at the same time.

    Args:
        loops: may be stopped already.
        patience: seconds for all of them; None: no limit.
    """
    for loop in loops:
        loop.ask_to_stop()
    until = None if patience is None else concurrency.monotonic() + patience
    for loop in loops:
        loop.stop(None if until is None else max(0.0, until - concurrency.monotonic()))


def end_despite(loops: Iterable[PushLoop]) -> None:
    """End this process within seconds where deliveries were left behind, whose threads would keep it from ending."""
    if any(loop.left_behind for loop in loops):
        last_resort.end_within(last_resort.SOON)
