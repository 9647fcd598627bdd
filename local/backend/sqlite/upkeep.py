"""Operations on the queue beyond its port: recordings of one process alone, leases of dead processes, purging, counting."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from local.backend.sqlite import process_ids, runs
from shared.errors import StoreUnavailable
from shared.messages import BUDGET_ALERTS, TRANSCRIPTS_READY
from shared.ports import Clock

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping

    from local.backend.sqlite.database import Database


NEWS = frozenset({TRANSCRIPTS_READY, BUDGET_ALERTS})
"""Topics whose messages tell of ends: whose recording it was does not matter."""


class MachineClock(Clock, Protocol):
    """The time, and that of the machine."""

    def uptime(self) -> float:
        """Seconds of a clock that is never set and is the same for all processes of the machine; it begins with `boot`."""


class Upkeep:
    """The base of `local.backend.sqlite.queue.SqliteQueue`."""

    def __init__(self, database: Database, clock: MachineClock) -> None:
        self._database = database
        self._clock = clock
        self._published = threading.Lock()
        self._waiting: dict[str, threading.Condition] = {}
        self._run: runs.Run | None = None
        self.owned: frozenset[str] = frozenset()
        """Recordings that this process has to itself."""

    def own(self, recordings: Collection[str]) -> frozenset[str]:
        """From now on pull messages of these recordings alone, which no other process pulls until `leave`, or this process ends.

        Those that another process has to itself stay its own, and what is leased now stays where it is until then.

        Returns:
            The ones that it has.

        Raises:
            ConfigurationError, StoreUnavailable: they could not be obtained.
        """
        if self.owned == frozenset(recordings) and self._run is not None:
            return self.owned
        self.free()
        self._run = self._run or runs.Run(self._database.folder)
        wanted, name = json.dumps(sorted(recordings)), self._run.name
        mine = {"wanted": wanted, "run": name}
        with self._database.write(durable=False) as connection:
            for statement in (
                "DELETE FROM owned WHERE run = :run AND recording NOT IN (SELECT value FROM json_each(:wanted))",
                "INSERT OR IGNORE INTO owned SELECT value, :run FROM json_each(:wanted)",
            ):
                connection.execute(statement, mine)
            found = connection.execute("SELECT recording FROM owned WHERE run = ?", (name,)).fetchall()
            owned = frozenset(recording for (recording,) in found)
            self._give(connection, name, owned)
        self.owned = owned
        return owned

    def leave(self) -> None:
        """Leave to everybody what this process had to itself; it pulls all messages again."""
        if self._run is not None:
            self._run.end()
            self._run, self.owned = None, frozenset()
            # If not here, the next look does it.
            with suppress(StoreUnavailable):
                self.free()

    def free(self) -> bool:
        """Leave to everybody what processes had to themselves that are no longer running; True if there was something."""
        with self._database.read() as connection:
            known = [name for (name,) in connection.execute("SELECT DISTINCT run FROM owned")]
        over = [name for name in known if runs.is_over(self._database.folder, name)]
        if over:
            self._release(over)
            for name in over:
                runs.remove(self._database.folder, name)
        return bool(over)

    def is_of_another(self, recording: str) -> bool:
        """Whether another process that is running has a recording to itself."""
        with self._database.read() as connection:
            row = connection.execute("SELECT run FROM owned WHERE recording = ?", (recording,)).fetchone()
        return (
            row is not None and row[0] != self._run_name and not runs.is_over(self._database.folder, row[0])
        )

    def at_work(self) -> set[str]:
        """The recordings that this process has to itself about which there is a message, waiting or leased."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT json_extract(attributes, '$.recording') FROM messages WHERE run = ?",
                (self._run_name,),
            ).fetchall()
        return {recording for (recording,) in rows}

    def reclaim(self) -> int:
        """End the leases of processes of this computer that are no longer running; gives their number.

        Without it a restart after `kill -9` would wait for the leases to run out. The deliveries stay
        counted: the message itself may be what killed the process.
        """
        self.free()
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

    def drop(self, recordings: Collection[str]) -> None:
        """Delete the messages of recordings that this process has to itself, waiting or leased."""
        wanted = json.dumps(sorted(recordings))
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM messages WHERE run = ? AND json_extract(attributes, '$.recording') IN "
                "(SELECT value FROM json_each(?))",
                (self._run_name, wanted),
            )

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

    @property
    def _run_name(self) -> str:
        return "" if self._run is None else self._run.name

    def _run_of(self, connection: sqlite3.Connection, topic: str, attributes: Mapping[str, str]) -> str:
        """The run to which a new message belongs; empty: to none."""
        if topic in NEWS or "recording" not in attributes:
            return ""
        row = connection.execute(
            "SELECT run FROM owned WHERE recording = ?", (attributes["recording"],)
        ).fetchone()
        return "" if row is None else str(row[0])

    def _give(self, connection: sqlite3.Connection, run: str, recordings: Collection[str]) -> None:
        """Let a run have the messages of these recordings, and no others."""
        connection.execute(
            "UPDATE messages SET run = '' WHERE run = :run AND json_extract(attributes, '$.recording') NOT IN "
            "(SELECT value FROM json_each(:recordings))",
            {"run": run, "recordings": json.dumps(sorted(recordings))},
        )
        connection.execute(
            "UPDATE messages SET run = :run WHERE run = '' AND topic NOT IN (SELECT value FROM json_each(:news)) AND "
            "json_extract(attributes, '$.recording') IN (SELECT value FROM json_each(:recordings))",
            {"run": run, "recordings": json.dumps(sorted(recordings)), "news": json.dumps(sorted(NEWS))},
        )

    def _release(self, names: Collection[str]) -> None:
        # Undone by a power loss, it is done again: who had it is gone then.
        with self._database.write(durable=False) as connection:
            for name in names:
                connection.execute("DELETE FROM owned WHERE run = ?", (name,))
                connection.execute("UPDATE messages SET run = '' WHERE run = ?", (name,))
        self._wake()

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
