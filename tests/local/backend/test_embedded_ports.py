"""The ports of one machine: all in one folder, which remembers the folders of a person."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from local.backend.embedded_ports import WorkerIsThere, embedded_topology, open_ports
from local.backend.sqlite import process_ids
from shared.errors import BadMedia, BadRequest
from shared.messages import TRANSCRIPTS_READY
from shared.results import LedgerRow
from shared.settings import Settings
from shared.state import ledger
from shared.topology import EXPORTER, topology
from tests.world import SetClock


def test_finished_transcripts_are_listened_to_on_one_machine_only():
    here = embedded_topology()
    assert [one.name for one in here.of_topic(TRANSCRIPTS_READY)] == [EXPORTER]
    assert topology().of_topic(TRANSCRIPTS_READY) == ()
    assert here.topics == topology().topics


def test_webhooks_are_listened_to_where_there_is_an_address():
    here = embedded_topology(webhooks=True)
    assert [one.name for one in here.of_topic(TRANSCRIPTS_READY)] == ["webhooks", EXPORTER]
    assert [one.name for one in here.of_topic("budget-alerts")] == ["webhooks-budget"]


def test_whoever_publishes_publishes_to_the_webhooks_of_up_until_an_up_has_none(tmp_path):
    plain = Settings(state_dir=tmp_path / "state")
    up = open_ports(
        replace(plain, webhook_url="https://example.com/hook", webhook_secret="whsec_" + "c2Vj" * 8)
    )
    other = open_ports(plain)

    def kept():
        for topic in (TRANSCRIPTS_READY, "budget-alerts"):
            other.queue.publish(topic, b"x")
        return [up.queue.pending(name) for name in ("webhooks", "webhooks-budget", EXPORTER)]

    assert kept() == [0, 0, 1]
    up.queue.keep_for_all()
    assert kept() == [1, 1, 2]
    for name in ("webhooks", "webhooks-budget"):
        [one] = up.queue.pull(name, 9, 60.0)
        up.queue.nack(name, one.lease)
    other.queue.keep_for_all()
    assert kept() == [1, 1, 3]
    up.close()
    other.close()


def test_all_state_is_below_one_folder_and_survives(ports, tmp_path):
    assert ports.store.create("transcripts", "a.txt", b"text", "text/plain")
    assert ports.records.create("c", "k", {"n": 1})
    ports.queue.publish("audio-finalized", b"x")
    other = open_ports(Settings(state_dir=tmp_path / "state"))
    assert other.store.load("transcripts", "a.txt") == b"text"
    assert other.records.get("c", "k") == {"n": 1}
    assert other.queue.pending("router") == 1
    other.close()
    assert {one.name for one in tmp_path.iterdir()} == {"state"}


def test_any_file_of_this_machine_is_an_object(ports, tmp_path):
    path = tmp_path / "é talk.mp3"
    path.write_bytes(b"sound")
    found = ports.file(path)
    assert (found.bucket, found.size) == ("files", 5)
    assert ports.store.read(found, 0, 5) == b"sound"


@pytest.mark.parametrize(
    ("name", "says"), [("none.mp3", "Check the spelling"), ("", "is a folder"), ("%=x", "Rename it")]
)
def test_what_is_no_file_is_told_apart(ports, tmp_path, name, says):
    with pytest.raises(BadRequest, match=says):
        ports.file(tmp_path / name)


def test_a_call_of_a_process_that_is_gone_is_over_at_once_and_that_of_a_live_one_is_not(ports):
    now = ports.clock.now()
    row = LedgerRow(
        recording="r", chunk=0, engine="deepgram", attempt="", audio_seconds=1.0, busy_seconds=0.0, usd=0.1, prices="v"
    )  # fmt: skip
    host, _, started = process_ids.own_id().rsplit(":", 2)
    child = subprocess.Popen(["true"])
    child.wait()
    gone = replace(ports, process=f"{host}:{child.pid}:{started}")
    ledger.begin(row, 1, now + 600.0, gone)
    ledger.begin(row, 2, now + 600.0, ports)
    # The clock was set back by a day since.
    ledger.begin(row, 3, now + 87_000.0, replace(gone, clock=SetClock(now + 86_400.0)))
    assert [ports.is_gone(one) for one in (gone.process, ports.process, "")] == [True, False, False]
    ports.reclaim()
    dead, alive, ahead = ledger.numbered("r", 0, "deepgram", ports)
    assert ahead.until == 0.0
    assert [ledger.is_under_way(one, now) for one in (dead, alive)] == [False, True]
    assert ledger.as_of(dead, now).outcome == "lost"


def test_a_worker_that_somebody_else_keeps_running_is_always_there():
    jobs = WorkerIsThere()
    assert (jobs.state().status, jobs.start(5).running, jobs.ended(0.0)) == ("ready", 1, [])


def test_the_state_is_its_owners_alone(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o755)
    ports = open_ports(Settings(state_dir=tmp_path / "state"))
    ports.store.create("transcripts", "a/b", b"words", "text/plain")
    files = [one for one in (tmp_path / "state").iterdir() if ".sqlite" in one.name]
    assert {one.name: one.stat().st_mode & 0o777 for one in files} == {one.name: 0o600 for one in files}
    assert len(files) == 3  # with the log and its index
    ports.close()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    written = tmp_path / "state" / "buckets" / "transcripts" / "a" / "b"
    assert [one.stat().st_mode & 0o777 for one in (written, written.parent)] == [0o600, 0o700]


@pytest.mark.parametrize("asked", [False, True])
def test_links_in_the_inbox_are_followed_where_a_person_asked_for_it(tmp_path, asked):
    ports = open_ports(Settings(state_dir=tmp_path / "state", inbox=tmp_path / "inbox", follow_links=asked))
    (tmp_path / "inbox").mkdir()
    (tmp_path / "secret.mp3").write_bytes(b"secret")
    (tmp_path / "inbox" / "link.mp3").symlink_to(tmp_path / "secret.mp3")
    (tmp_path / "inbox" / "folder").symlink_to(tmp_path)
    for name in ("link.mp3", "folder/secret.mp3"):
        assert (ports.store.stat("audio", name) is not None) == asked
        assert ports.store.load("audio", name) == (b"secret" if asked else None)
        there = ports.file(tmp_path / "secret.mp3")
        source = replace(there, bucket="audio", name=name)
        if asked:
            assert ports.store.read(source, 0, 6) == b"secret"
        else:
            with pytest.raises(BadMedia, match="no longer exists"):
                ports.store.read(source, 0, 6)
            assert not ports.store.delete("audio", name, there.generation)
    assert [one.name for one in ports.store.list("audio")] == (["link.mp3"] if asked else [])
    ports.close()
