"""Queue over one table of SQLite: a row is one message for one subscription, leased or waiting.

A row's `due` says when it may be pulled: its back-off while it waits, the end of its lease while it is
leased. So an expired lease needs no sweeper, a crash loses nothing, and one index serves every pull.
It is a time of the machine's monotonic clock, so setting the wall clock moves nothing. After a restart of the
machine, which begins that clock anew and leaves no holder of a lease alive, everything is due.
Publishing is flushed to the disk; the rest may be undone by a power loss, and is then redelivered.
"""

from __future__ import annotations

import json
import secrets
import time
import uuid
from typing import TYPE_CHECKING, Any

from local.backend.sqlite import process_ids
from local.backend.sqlite.dead_letter_attributes import dead_letter_attributes
from local.backend.sqlite.upkeep import MachineClock, Upkeep
from shared.errors import BadRequest
from shared.ports import Delivery
from shared.topology import Subscription, Topology
from shared.topology import topology as every_topic

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from local.backend.sqlite.database import Database


MOST_BYTES = 10_000_000
"""The largest message that Pub/Sub takes (https://cloud.google.com/pubsub/quotas): the functions refuse larger ones."""


class SqliteQueue(Upkeep):
    """Topics with subscriptions, at least once; safe to use from several threads and processes.

    Implements `shared.ports.Queue`, and what only one machine needs: waiting without polling, reclaiming the
    leases of dead processes, purging and counting.

    Args:
        database: where the messages are.
        clock: its `uptime` decides what is due.
        topology: topics and subscriptions; publishing or pulling elsewhere is a ConfigurationError.
    """

    def __init__(self, database: Database, clock: MachineClock, topology: Topology | None = None) -> None:
        super().__init__(database, clock)
        self.topology = topology or every_topic()
        self.look_seconds = 0.05
        """Between two looks for a message of another process; one of this process wakes waiting threads at once."""
        self._begin_boot()

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        """Durable when this returns. Gives the id of the message.

        Raises:
            ConfigurationError: there is no such topic.
        """
        return self.publish_many(topic, [(data, attributes or {})])[0]

    def publish_many(self, topic: str, messages: Iterable[tuple[bytes, Mapping[str, str]]]) -> list[str]:
        """All of them in one transaction, durable when this returns. Gives their ids in order.

        Raises:
            BadRequest: a message is larger than 10 MB, as for Pub/Sub; nothing was published.
            ConfigurationError: there is no such topic.
            StoreUnavailable: the database did not answer in time; nothing was published.
        """
        named = [(uuid.uuid4().hex, data, attributes) for data, attributes in messages]
        if (size := max((len(data) for _, data, _ in named), default=0)) > MOST_BYTES:
            raise BadRequest(
                f"A message of {size:,} bytes is more than a queue takes: send at most {MOST_BYTES:,}."
            )
        known = self.topology.of_topic(topic)
        if named and (known or self._is_told(topic)):
            with self._database.write(hand_over=True) as connection:
                for message_id, data, attributes in named:
                    self._insert(connection, topic, message_id, data, dict(attributes))
            self._wake(*(one.name for one in known))
        return [message_id for message_id, _, _ in named]

    def keep_for_all(self) -> None:
        """Let every process of this state keep its messages for the subscriptions of this queue, those it does not know too."""
        rows = [(one.topic, one.name) for one in self.topology.subscriptions]
        with self._database.write() as connection:
            connection.execute("DELETE FROM subscriptions")
            connection.executemany("INSERT INTO subscriptions VALUES (?, ?)", rows)

    def pull(self, subscription: str, limit: int, lease_seconds: float) -> list[Delivery]:
        """Up to `limit` messages that are due, the one due longest first; does not wait for more.

        Raises:
            BadRequest: `limit` or `lease_seconds` is not positive.
            ConfigurationError: there is no such subscription.
        """
        policy = self.topology.subscription(subscription)
        if limit < 1 or lease_seconds <= 0:
            raise BadRequest("a pull needs a limit of 1 or more and a lease of more than 0 seconds")
        now = self._clock.uptime()
        due = self._next_due(subscription)
        if due is None or due > now:
            # Idle pullers never take the write lock.
            return []
        deliveries: list[Delivery] = []
        with self._database.write(durable=False) as connection:
            while len(deliveries) < limit:
                rows = connection.execute(
                    "SELECT position, message_id, data, attributes, published, attempt FROM messages "
                    "WHERE subscription = ? AND run = ? AND due <= ? ORDER BY due, position LIMIT ?",
                    (subscription, self._run_name, now, limit - len(deliveries)),
                ).fetchall()
                if not rows:
                    break
                for position, message_id, data, attributes, published, attempt in rows:
                    if policy.exhausted(attempt):
                        self._dead_letter(connection, policy, position)
                        continue
                    lease = secrets.token_hex(16)
                    connection.execute(
                        "UPDATE messages SET lease = ?, owner = ?, attempt = ?, due = ? WHERE position = ?",
                        (lease, process_ids.own_id(), attempt + 1, now + lease_seconds, position),
                    )
                    deliveries.append(
                        Delivery(
                            message_id=message_id,
                            lease=lease,
                            data=bytes(data),
                            attributes=json.loads(attributes),
                            attempt=attempt + 1,
                            published=published,
                        )
                    )
        return deliveries

    def extend(self, subscription: str, lease: str, lease_seconds: float) -> bool:
        """Renew a lease from now; False where it has ended and the message may be elsewhere."""
        now = self._clock.uptime()
        with self._database.write(durable=False) as connection:
            cursor = connection.execute(
                "UPDATE messages SET due = ? WHERE lease = ? AND subscription = ? AND due > ?",
                (now + lease_seconds, lease, subscription, now),
            )
            return cursor.rowcount == 1

    def ack(self, subscription: str, lease: str) -> bool:
        """Done with it; False where the lease had ended (the message may be redelivered)."""
        with self._database.write(durable=False) as connection:
            cursor = connection.execute(
                "DELETE FROM messages WHERE lease = ? AND subscription = ? AND due > ?",
                (lease, subscription, self._clock.uptime()),
            )
            return cursor.rowcount == 1

    def nack(self, subscription: str, lease: str, error: str = "") -> bool:
        """Give it back; it is redelivered after the back-off, or goes to the dead letter topic.

        Args:
            subscription: where it was pulled.
            lease: of the delivery that failed.
            error: what went wrong; the dead letter carries the last one.
        """
        policy = self.topology.subscription(subscription)
        with self._database.write(durable=False) as connection:
            row = self._leased(connection, subscription, lease)
            if row is None:
                return False
            position, attempt = row
            now = self._clock.uptime()
            connection.execute(
                "UPDATE messages SET lease = NULL, owner = NULL, due = ?, error = ? WHERE position = ?",
                (now + policy.backoff(attempt), error, position),
            )
            if policy.exhausted(attempt):
                self._dead_letter(connection, policy, position)
        self._wake()
        return True

    def postpone(self, subscription: str, lease: str, seconds: float) -> bool:
        """Give it back without counting a delivery; it is redelivered after `seconds`.

        For deliveries that reached no receiver: it is not running, or this process is stopping.
        """
        with self._database.write(durable=False) as connection:
            row = self._leased(connection, subscription, lease)
            if row is None:
                return False
            connection.execute(
                "UPDATE messages SET lease = NULL, owner = NULL, attempt = attempt - 1, due = ? "
                "WHERE position = ?",
                (self._clock.uptime() + seconds, row[0]),
            )
        self._wake()
        return True

    def wait(self, subscription: str, timeout: float) -> bool:
        """Sleep until a message is due, or `timeout` real seconds have passed; True where one is due.

        A message published by this process wakes it at once, one of another process within `look_seconds`.
        """
        deadline = time.monotonic() + timeout
        with self._database.changes() as changes:
            due = self._next_due(subscription)
            while True:
                now = self._clock.uptime()
                if due is not None and due <= now:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                until_due = left if due is None else due - now
                self._sleep(subscription, min(self.look_seconds, left, until_due))
                if changes.look():
                    due = self._next_due(subscription)

    def close(self) -> None:
        """Leave what this process had to itself to others, and close the database, for the records as well."""
        self.leave()
        self._database.close()

    def _begin_boot(self) -> None:
        """End all leases and back-offs of an earlier start of the machine."""
        boot = (self._clock.boot,)
        with self._database.read() as connection:
            if connection.execute("SELECT boot FROM machine").fetchone() == boot:
                return
        with self._database.write() as connection:
            # Another process may have been first, and may have leased something since.
            if connection.execute("SELECT boot FROM machine").fetchone() != boot:
                connection.execute("UPDATE messages SET lease = NULL, owner = NULL, due = 0")
                connection.execute("UPDATE machine SET boot = ?", boot)

    def _insert(
        self, connection: sqlite3.Connection, topic: str, message_id: str, data: bytes, attributes: Any
    ) -> None:
        published, due = self._clock.now(), self._clock.uptime()
        text, run = json.dumps(attributes), self._run_of(connection, topic, attributes)
        names = [one.name for one in self.topology.of_topic(topic)]
        told = connection.execute("SELECT name FROM subscriptions WHERE topic = ?", (topic,))
        for name in dict.fromkeys([*names, *(name for (name,) in told)]):
            connection.execute(
                "INSERT INTO messages (subscription, topic, message_id, data, attributes, published, due, run) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (name, topic, message_id, data, text, published, due, run),
            )

    def _is_told(self, topic: str) -> bool:
        with self._database.read() as connection:
            return bool(
                connection.execute("SELECT 1 FROM subscriptions WHERE topic = ? LIMIT 1", (topic,)).fetchone()
            )

    def _dead_letter(self, connection: sqlite3.Connection, policy: Subscription, position: int) -> None:
        """Move a message to the dead letter topic, in the caller's transaction."""
        data, text, published, attempt, error = connection.execute(
            "SELECT data, attributes, published, attempt, error FROM messages WHERE position = ?", (position,)
        ).fetchone()
        attributes = dead_letter_attributes(json.loads(text), policy.name, attempt, published, error)
        assert policy.dead_letter_topic is not None, "only a policy with one is ever exhausted"
        self._insert(connection, policy.dead_letter_topic, uuid.uuid4().hex, bytes(data), attributes)
        connection.execute("DELETE FROM messages WHERE position = ?", (position,))

    def _leased(
        self, connection: sqlite3.Connection, subscription: str, lease: str
    ) -> tuple[int, int] | None:
        row = connection.execute(
            "SELECT position, attempt FROM messages WHERE lease = ? AND subscription = ? AND due > ?",
            (lease, subscription, self._clock.uptime()),
        ).fetchone()
        return None if row is None else (int(row[0]), int(row[1]))

    def _next_due(self, subscription: str) -> float | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT min(due) FROM messages WHERE subscription = ? AND run = ?",
                (subscription, self._run_name),
            ).fetchone()
        return None if row[0] is None else float(row[0])
