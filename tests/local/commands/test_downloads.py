"""Weights that are looked for, with a person watching."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from gpu_job.weights.catalogue import BUNDLED
from local.commands import downloads
from shared.errors import ModelUnavailable
from shared.model import Options
from shared.routing import flags


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=100)


@pytest.fixture
def ports(world):
    return replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))


def told(console):
    return console.file.getvalue()


def test_weights_that_are_here_are_found_without_a_word(console, ports):
    assert downloads.locate("tiny", console).path == BUNDLED
    assert downloads.locate_or_do_without("tiny", Options(), ports, console)
    assert told(console) == ""


def test_without_weights_another_engine_takes_over_and_that_is_said(console, ports):
    assert not downloads.locate_or_do_without("/no/such/folder", Options(), ports, console)
    assert told(console).endswith("Deepgram transcribes instead.\n")


def test_where_no_other_engine_may_the_reason_is_raised(console, world, ports):
    error = ModelUnavailable("The weights are not here.")
    alone = replace(ports, engines=frozenset({"parakeet-cpu"}))
    for options, given in ((Options(), alone), (Options(method="parakeet"), ports)):
        with pytest.raises(ModelUnavailable, match="not here"):
            downloads.do_without(error, options, given, console)
    flags.change({"ENABLE_FALLBACK": "false"}, ports)
    with pytest.raises(ModelUnavailable, match="not here"):
        downloads.do_without(error, Options(), ports, console)
    assert told(console) == ""


def test_elsewhere_than_on_a_terminal_a_large_file_is_a_line_and_a_small_one_none(console):
    with downloads.bars(console) as advance:
        for done in (1, 2):
            advance("encoder-model.onnx", done, 2_435_000_000)
            advance("vocab.txt", done, 1000)
    assert told(console) == "encoder-model.onnx: 2,435 MB\n"


def test_on_a_terminal_every_file_has_a_bar():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with downloads.bars(console) as advance:
        advance("vocab[1].txt", 500, 1000)
    assert "vocab[1].txt" in told(console)
    assert "0.5/1.0 kB" in told(console)
