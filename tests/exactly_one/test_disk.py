"""A full disk delays a transcript; it loses none."""

from __future__ import annotations

import errno

import pytest

from local.backend.embedded_ports import open_ports
from local.runtime import export
from local.runtime.push import PushLoop
from local.runtime.subscriptions import exporter
from shared.flow import record
from shared.messages import encode, to_fields
from shared.model import Options, Recording, recording_id
from shared.settings import Settings
from shared.topology import EXPORTER
from tests.gpu_job.pipeline.test_worker import wait_until


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES])
def test_a_transcript_that_cannot_be_written_now_arrives_later(tmp_path, monkeypatch, code):
    settings = Settings(state_dir=tmp_path / "s", inbox=tmp_path / "in", transcripts=tmp_path / "out")
    ports = open_ports(settings)
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / "a.wav").write_bytes(b"x")
    source = ports.store.stat("audio", "a.wav")
    recording = Recording(
        id=recording_id(source, Options()), source=source, options=Options(), state="DONE", created=1.0, finished=2.0,
        outputs=("a/transcript.txt",),
    )  # fmt: skip
    ports.records.create("recordings", recording.id, to_fields(recording))
    ports.store.create("transcripts", "a/transcript.txt", b"hello", "text/plain")
    failed, write = [], export.write

    def failing(*file, **how):
        if not failed:
            failed.append(file)
            raise OSError(code, "it does not work now")
        return write(*file, **how)

    monkeypatch.setattr(export, "write", failing)
    ready = encode(record.ending(recording, ports))
    ports.queue.publish("transcripts-ready", ready, {"recording": recording.id})
    loop = PushLoop(ports.queue, EXPORTER, exporter(ports), at_a_time=1)
    loop.start()
    try:
        wait_until((tmp_path / "out" / "a.wav" / "transcript.txt").exists, 20)
    finally:
        loop.stop()
    assert len(failed) == 1
    assert (tmp_path / "out" / "a.wav" / "transcript.txt").read_bytes() == b"hello"
    ports.close()
