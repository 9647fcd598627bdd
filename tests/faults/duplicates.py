"""Every message to a function is delivered more often than once: at the same moment, and after everything has ended."""

from __future__ import annotations

import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from local.runtime.events import UNENCRYPTED, identified, pushed
from local.runtime.processes import FUNCTIONS, HOSTED
from shared.engines import hosted_specs
from shared.ports import Delivery

TARGETS = {name: target for name, (_, target) in FUNCTIONS.items()} | {
    one.subscription: HOSTED[1] for one in hosted_specs()
}
"""The function of each push subscription."""


class Duplicator:
    """Posts each message of a deployment's push subscriptions twice more, as soon as it is published."""

    def __init__(self, deployment):
        self._deployment = deployment
        self._path = deployment.state / "dropscribe.sqlite"
        self._stop = threading.Event()
        self._said = []
        self.statuses = []
        """What the functions answered."""
        self._change(
            "CREATE TABLE IF NOT EXISTS told (position INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT, "
            "message_id TEXT, data BLOB, attributes TEXT, published REAL)",
            "CREATE TRIGGER telling AFTER INSERT ON messages BEGIN "
            "INSERT INTO told (subscription, message_id, data, attributes, published) VALUES "
            "(new.subscription, new.message_id, new.data, new.attributes, new.published); END",
        )

    @contextmanager
    def running(self):
        """Post while the body runs."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def once_more(self, only=TARGETS):
        """Post all messages again of some subscriptions, one after the other; gives how many."""
        addresses = self._deployment.addresses()
        messages = [one for one in self._after(0) if one[1] in only]
        for _, subscription, body in messages:
            self._post(addresses[TARGETS[subscription]], body)
        return len(messages)

    def _run(self):
        last = 0
        with ThreadPoolExecutor(8) as pool:
            while not self._stop.wait(0.01):
                if not (told := self._after(last)):
                    continue
                # A function may be there before the one that shows the token of all.
                addresses = self._deployment.addresses() if self._deployment.token() else {}
                for position, subscription, body in told:
                    if TARGETS[subscription] not in addresses:
                        break
                    for _ in range(2):
                        pool.submit(self._post, addresses[TARGETS[subscription]], body)
                    last = position

    def _after(self, last):
        with sqlite3.connect(self._path, timeout=30) as database:
            rows = database.execute("SELECT * FROM told WHERE position > ?", (last,)).fetchall()
        database.close()
        topology = self._deployment.ports.queue.topology
        return [
            (position, subscription, pushed(topology.subscription(subscription), _delivery(*more)))
            for position, subscription, *more in rows
            if subscription in TARGETS
        ]

    def _post(self, address, body):
        headers = {"content-type": "application/json"} | identified(self._deployment.token())
        with httpx.Client(verify=UNENCRYPTED, trust_env=False, timeout=60) as client:
            try:
                self.statuses.append(client.post(address, content=body, headers=headers).status_code)
            except httpx.ConnectError:
                self.statuses.append(None)  # the function has not started yet

    def _change(self, *statements):
        with sqlite3.connect(self._path, timeout=30) as database:
            for statement in statements:
                database.execute(statement)
        database.close()


def _delivery(message_id, data, attributes, published):
    return Delivery(
        message_id=message_id, lease="", data=data, attributes=json.loads(attributes), attempt=1,
        published=published,
    )  # fmt: skip
