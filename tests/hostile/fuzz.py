"""Hostile JSON: a valid document with some of its values replaced by what no sender should send."""

from __future__ import annotations

import json
import resource
import time
from contextlib import contextmanager

from hypothesis import strategies as st

DEEP = 20_000
LONG = 1_000_000

VALUES = {
    "nothing": "null",
    "yes": "true",
    "minus one": "-1",
    "half": "0.5",
    "text": '"x"',
    "a number as text": '"7"',
    "empty text": '""',
    "half a character": '"\\ud800"',
    "the end of a text in C": '"\\u0000"',
    "long text": f'"{"x" * LONG}"',
    "long text of others": f'"{"é" * (LONG // 2)}"',
    "a path out": '"../../../../etc/passwd"',
    "an address": '"gs:///"',
    "not a number": "NaN",
    "infinity": "-Infinity",
    "larger than any number": "1e999",
    "nearly that": "1e308",
    "64 bits and one": "18446744073709551616",
    "63 bits": "9223372036854775807",
    "thousands of digits": "9" * 5000,
    "empty list": "[]",
    "empty object": "{}",
    "deep list": "[" * DEEP + "]" * DEEP,
    "deep object": '{"a":' * DEEP + "1" + "}" * DEEP,
    "many items": "[" + ",".join(["0"] * 100_000) + "]",
}
"""As JSON, or nearly."""

MARK = "replaced here"


def places(value, place=()):
    """Paths to all values inside a document."""
    if place:
        yield place
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield from places(one, (*place, name))


@st.composite
def hostile(draw, document):
    """Bytes that were a document once: values replaced, left out or added, and sometimes the text cut or spoilt."""
    left = json.loads(json.dumps(document))
    raw = []
    for _ in range(draw(st.integers(1, 2))):
        *path, last = draw(st.sampled_from(sorted(places(left), key=str)))
        at = left
        for name in path:
            at = at[name]
        match draw(st.sampled_from(["replace", "replace", "replace", "leave out", "add"])):
            case "leave out":
                del at[last]
            case "add" if isinstance(at, dict):
                at["added"] = f"{MARK} {len(raw)}"
                raw.append(VALUES[draw(st.sampled_from(sorted(VALUES)))])
            case _:
                at[last] = f"{MARK} {len(raw)}"
                raw.append(VALUES[draw(st.sampled_from(sorted(VALUES)))])
        if not left:
            break
    text = json.dumps(left)
    for number, one in enumerate(raw):
        text = text.replace(f'"{MARK} {number}"', one)
    data = text.encode()
    match draw(st.sampled_from(["whole"] * 8 + ["cut", "spoilt"])):
        case "cut":
            return data[: draw(st.integers(0, len(data)))]
        case "spoilt":
            return data[: len(data) // 2] + draw(st.binary(max_size=4)) + data[len(data) // 2 :]
    return data


@contextmanager
def bounded(*, seconds, megabytes):
    """What is done inside takes no longer, and no more memory beyond what the process had."""
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    took, grown = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert took < seconds, f"{took:.1f} s of processor time"
    assert grown < megabytes * 1000, f"{grown / 1000:.0f} MB more"
