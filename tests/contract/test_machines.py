"""The models of the ports find mistakes: each of these, planted into an implementation."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import Phase

from tests.contract import embedded
from tests.contract.machines import play
from tests.contract.test_queue_machine import QueueMachine
from tests.contract.test_records_machine import RecordsMachine
from tests.contract.test_store_machine import StoreMachine

MACHINES = {"store": StoreMachine, "records": RecordsMachine, "queue": QueueMachine}


class Mistaken:
    """A port of which one method has a mistake."""

    def __init__(self, port, method, mistake):
        self._port = port
        setattr(self, method, lambda *given, **more: mistake(port, *given, **more))

    def __getattr__(self, name):
        return getattr(self._port, name)


def overwrites(port, collection, key, fields):
    return port.create(collection, key, fields) or port.update(collection, key, lambda _: fields) is None


def replaces(port, bucket, name, data, kind):
    if (old := port.stat(bucket, name)) is not None:
        port.delete(bucket, name, old.generation)
    port.create(bucket, name, data, kind)
    return old is None


def deletes_any(port, bucket, name, _generation):
    found = port.stat(bucket, name)
    return found is not None and port.delete(bucket, name, found.generation)


def forgets_one(port, topic, messages):
    ids = port.publish_many(topic, list(messages)[:-1])
    return [*ids, "forgotten"] if messages else []


def gives_twice(port, subscription, limit, lease):
    found = port.pull(subscription, limit, lease)
    return [*found, *found[:1]][:limit]


MISTAKES = {
    "create overwrites a document": ("records", "create", overwrites),
    "an update that changes nothing empties the document": (
        "records",
        "update",
        lambda port, where, key, change: port.update(where, key, lambda one: change(one) or {}),
    ),
    "a deletion leaves the document": (
        "records",
        "delete",
        lambda port, *at, seen: port.get(*at) is not None,
    ),
    "a deletion takes what was not seen": ("records", "delete", lambda port, *at, seen: port.delete(*at)),
    "a query begins at the key": (
        "records",
        "query",
        lambda port, name, where, *, after: (
            one for one in port.query(name, where) if one[0].encode() >= after.encode()
        ),
    ),
    "a count ignores its condition": ("records", "count", lambda port, name, _: port.count(name)),
    "a sum counts documents": ("records", "sum", lambda port, name, _, where: port.count(name, where)),
    "the newest are in no order": (
        "records",
        "newest",
        lambda port, *asked, before: port.newest(*asked, before=before)[::-1],
    ),
    "a page begins with the end of the one before": (
        "records",
        "newest",
        lambda port, name, by, limit, where, *, before: port.newest(
            name, by, limit, where, before=before and (before[0], f"{before[1]}~")
        ),
    ),
    "create replaces an object": ("store", "create", replaces),
    "the generation is ignored": ("store", "delete", deletes_any),
    "a read begins one byte later": (
        "store",
        "read",
        lambda port, source, start, length: port.read(source, start + 1, length),
    ),
    "a list ignores the end of its prefix": (
        "store",
        "list",
        lambda port, bucket, prefix: port.list(bucket, prefix[: prefix.rfind("/") + 1]),
    ),
    "the last of many messages is forgotten": ("queue", "publish_many", forgets_one),
    "a message is given twice": ("queue", "pull", gives_twice),
    "an acknowledged message comes again": ("queue", "ack", lambda port, *at: port.postpone(*at, 0.0)),
    "a message that was given back is gone": ("queue", "nack", lambda port, *at: port.ack(*at[:2])),
    "a postponed message counts": ("queue", "postpone", lambda port, *at: port.nack(*at[:2])),
}


@pytest.mark.parametrize(("port", "method", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_a_planted_mistake_is_found(tmp_path, request, port, method, mistake):
    reopen, elapse = embedded.column(port, request, tmp_path)
    with reopen() as opened:
        mistaken = Mistaken(opened, method, mistake)
        case = SimpleNamespace(port=mistaken, real=opened, elapse=elapse, patience=0.0)
        with pytest.raises((AssertionError, ExceptionGroup)):
            play(MACHINES[port], case, is_here=True, phases=(Phase.generate,), times=10)
