"""Loads everything that a job may need, because a job can open no file: not even a module of our own."""

from __future__ import annotations

import importlib
import pkgutil
import struct
from functools import partial

import av

from shared.audio import decoding, files, probing
from shared.audio.decoding.decode import decode
from shared.audio.files.reader import Reader
from shared.audio.probing.audio_info import probe
from shared.engines import PARAKEET_CPU
from shared.model import Chunk

LEFT_OUT = {"av.__main__", "av.datasets"}
"""Modules of PyAV that only its users call: a command, and the download of test data (which loads http and ssl)."""


def warm_up() -> None:
    """Load all of FFmpeg's bindings and of our own parsers, then probe and decode 10 ms of silence.

    PyAV loads a module when a stream of its kind is first seen: subtitles, say.

    Raises:
        ImportError: a module is missing, or does not load.
    """
    for package in (av, files, probing, decoding):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name not in LEFT_OUT:
                importlib.import_module(module.name)
    samples = bytes(882)
    form = struct.pack("<IHHIIHH", 16, 1, 1, 44_100, 88_200, 2, 16)
    wave = b"WAVEfmt " + form + b"data" + struct.pack("<I", len(samples)) + samples
    wav = b"RIFF" + struct.pack("<I", len(wave)) + wave
    for_ffmpeg = struct.pack(">4sIIIII", b".snd", 24, len(samples), 3, 44_100, 1) + samples
    chunk = Chunk(index=0, start=0.0, end=None, lead=0.0, tail=0.0, engine=PARAKEET_CPU.name)
    for file in (wav, for_ffmpeg):
        fetch = partial(_part, file)
        info = probe(Reader(fetch, len(file)), name="", track=0)
        decode(Reader(fetch, len(file)), info, chunk, track=0, longest=1.0, emit=lambda _: None)


def _part(file: bytes, offset: int, length: int) -> bytes:
    return file[offset : offset + length]
