"""Operations on the queue beyond its port: reclaiming leases of dead processes, purging, counting, waking waiters."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Protocol

from local.backend.sqlite import process_ids
from shared.ports import Clock

if TYPE_CHECKING:
    from local.backend.sqlite.database import Database


class MachineClock(Clock, Protocol):
    """The time, and that of the machine."""

    def uptime(self) -> float:
        """Seconds of a clock that is never set and is the same for all processes of the machine."""

    @property
    def boot(self) -> str:
        """Which start of the machine `uptime` counts from."""


class Upkeep:
    """The base of `local.backend.sqlite.queue.SqliteQueue`."""

    def __init__(self, database: Database, clock: MachineClock) -> None:
        self._database = database
        self._clock = clock
        self._published = threading.Lock()
        self._waiting: dict[str, threading.Condition] = {}

    def reclaim(self) -> int:
        """End the leases of processes of this computer that are no longer running; gives their number.

        Without it a restart after `kill -9` would wait for the leases to run out. The deliveries stay
        counted: the message itself may be what killed the process.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT owner FROM messages WHERE lease IS NOT NULL"
            ).fetchall()
        gone = [owner for (owner,) in rows if owner is not None and process_ids.is_gone(owner)]
        if not gone:
            return 0
        ended = 0
        with self._database.write(durable=False) as connection:
            for owner in gone:
                ended += connection.execute(
                    "UPDATE messages SET lease = NULL, owner = NULL, due = min(due, ?) "
                    "WHERE owner = ? AND lease IS NOT NULL",
                    (self._clock.uptime(), owner),
                ).rowcount
        self._wake()
        return ended

    def purge(self, attribute: str, *values: str, subscription: str | None = None) -> int:
        """Delete all messages, waiting or leased, whose attribute has one of `values`; gives their number.

        With `subscription` only those of that one.
        """
        wanted = json.dumps(values)
        with self._database.write() as connection:
            cursor = connection.execute(
                "DELETE FROM messages WHERE (SELECT value FROM json_each(attributes) WHERE key = ?) "
                "IN (SELECT value FROM json_each(?)) AND subscription = coalesce(?, subscription)",
                (attribute, wanted, subscription),
            )
            return cursor.rowcount

    def in_hand(self) -> bool:
        """Whether a process of this computer that is running holds a message, `up` or not."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT owner FROM messages WHERE lease IS NOT NULL AND due > ?",
                (self._clock.uptime(),),
            ).fetchall()
        return any(owner is not None and not process_ids.is_gone(owner) for (owner,) in rows)

    def pending(self, subscription: str) -> int:
        """How many messages are not acknowledged yet: waiting, leased or in back-off."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT count(*) FROM messages WHERE subscription = ?", (subscription,)
            ).fetchone()
        return int(row[0])

    def values_of(self, attribute: str) -> set[str]:
        """The values of an attribute of all messages that are not acknowledged yet."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT each.value FROM messages, json_each(messages.attributes) AS each "
                "WHERE each.key = ?",
                (attribute,),
            ).fetchall()
        return {str(value) for (value,) in rows}

    def _wake(self, *subscriptions: str) -> None:
        """Wake those who wait for messages of some subscriptions; of any, if none is named."""
        with self._published:
            for subscription in subscriptions or tuple(self._waiting):
                if (waiting := self._waiting.get(subscription)) is not None:
                    waiting.notify_all()

    def _sleep(self, subscription: str, seconds: float) -> None:
        """Wait until this process may have published a message for a subscription."""
        with self._published:
            waiting = self._waiting.setdefault(subscription, threading.Condition(self._published))
            waiting.wait(seconds)
