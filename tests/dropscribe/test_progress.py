from __future__ import annotations

from dropscribe.progress import Progress, Told


def of(done, total, stage="transcribe", file="/a.mp3"):
    return Progress(stage=stage, file=file, done=done, total=total)


def test_what_is_heard_is_added_up_and_ends_with_the_measured_length():
    said = []
    told = Told(said.append)
    told.files = {"k": "/a.mp3"}
    told.heard("k", 5.0)
    told.planned("k", 60.0)
    told.planned("k", 60.0)
    told.heard("k", 58.0)
    told.ended("k", 59.9)
    assert said == [of(5.0, None), of(5.0, 60.0), of(60.0, 60.0), of(59.9, 59.9)]


def test_what_was_done_before_or_has_no_length_does_not_end_twice():
    said = []
    told = Told(said.append)
    told.ended("k", 59.9)
    told.heard("j", 1.0)
    told.ended("j", None)
    assert said == [of(1.0, None, file="j")]


def test_a_callback_that_fails_stops_nothing(caplog):
    told = Told(lambda _: 1 / 0)
    told.downloaded("encoder.onnx", 1, 2)
    assert "on_progress failed" in caplog.text
    Told(None).downloaded("encoder.onnx", 1, 2)
