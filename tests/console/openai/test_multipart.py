"""Bodies of requests, piece by piece."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.openai import multipart
from console.openai.errors import ApiError
from console.openai.multipart import Body

KIND = "multipart/form-data; boundary=B"
AUDIO = bytes(range(256)) * 40 + b"\r\n--A is no boundary, nor is \r\n--\r\n"


def part(name, data, *, file=None):
    named = "" if file is None else f'; filename="{file}"'
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"


def received(body, kind=KIND, size=7):
    file = io.BytesIO()
    one = Body(kind, lambda: file)
    for at in range(0, len(body), size):
        one.write(body[at : at + size])
    return one.finish(), file.getvalue()


def refused(body, kind=KIND):
    with pytest.raises(ApiError) as caught:
        received(body, kind, 1000)
    assert caught.value.status == 400
    return caught.value


WHOLE = (
    part("model", b"whisper-1")
    + part("file", AUDIO, file="t.mp3")
    + part("keywords[]", "é".encode())
    + b"--B--\r\n"
)


@given(st.integers(1, len(WHOLE)))
def test_however_it_is_cut_the_file_and_the_fields_are_the_same(size):
    found, written = received(WHOLE, size=size)
    assert written == AUDIO
    assert found == multipart.Received(
        fields=(("model", "whisper-1"), ("keywords[]", "é")),
        file_name="t.mp3",
        sha256=hashlib.sha256(AUDIO).hexdigest(),
        size=len(AUDIO),
        head=AUDIO[:4096],
    )


@given(st.integers(0, len(WHOLE) - len(b"--\r\n")))
def test_a_body_that_breaks_off_is_refused(end):
    assert refused(WHOLE[:end]).code in {"incomplete_body", "invalid_body"}


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=B",
                                  "multipart/form-data; boundary=" + "B" * 1000])  # fmt: skip
def test_what_is_no_form_is_refused(kind):
    assert refused(WHOLE, kind).code in {"invalid_content_type", "invalid_body"}


def test_a_form_needs_one_file_with_something_in_it():
    model = part("model", b"whisper-1")
    assert refused(model + b"--B--\r\n").code == "missing_required_parameter"
    assert refused(model + part("file", b"text") + b"--B--\r\n").param == "file"
    assert refused(part("file", b"", file="x") + b"--B--\r\n").code == "empty"
    assert "several" in refused(part("file", b"1", file="x") + part("file", b"2", file="y")).message


def test_fields_are_limited_in_number_and_length():
    assert "1000 fields" in refused(b"".join(part("k", b"") for _ in range(1001))).message
    assert "1000000 bytes" in refused(part("prompt", b"x" * 1_000_001)).message
    assert refused(b"--B\r\nX: " + b"y" * 10_000).code == "invalid_body"


def test_a_name_in_the_extended_form_is_one():
    body = WHOLE.replace(b'filename="t.mp3"', b"filename*=UTF-8''%C3%A9t%C3%A9.mp3")
    assert received(body)[1] == AUDIO


def test_names_of_files_are_only_told():
    name = "../../etc/<img onerror=1>" + "n" * 900
    found, _ = received(part("file", b"1", file=name) + b"--B--\r\n")
    assert found.file_name == name
