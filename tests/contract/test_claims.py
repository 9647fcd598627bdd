"""Hand-overs in every Records."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from shared.model import Tried
from shared.state import claims
from tests.world import World


@pytest.fixture
def ports(tmp_path, records):
    world = World(tmp_path)
    yield replace(world.ports, records=records.port)
    world.close()


FIRST = claims.Claim(recording="r", index=7, engine="parakeet-gpu")
WHY = Tried(engine="parakeet-gpu", error="EngineLimit", reason="It does not fit.")


def test_of_many_hand_overs_at_once_one_is_made_and_all_see_it(ports):
    seen = []

    def hand_over():
        def turn(stored):
            one_more = replace(stored, turn=1, engine="deepgram", tried=(WHY,), published=False)
            return one_more if stored.turn == 0 else None

        seen.append(claims.change(FIRST, turn, ports))

    threads = [threading.Thread(target=hand_over) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    after = replace(FIRST, turn=1, engine="deepgram", tried=(WHY,), published=False)
    assert seen == [after] * 4
    assert claims.of_recording("r", ports.records) == {7: after}
    assert claims.of_recording("another", ports.records) == {}
