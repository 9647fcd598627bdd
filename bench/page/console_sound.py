"""The page's clock against what is heard: a tone whose pitch tells its time, in each container.

python -m bench console-sound [--hours 2]

The tone rises from 500 to 2,500 Hz within eight seconds, again and again. Headless Chromium plays it from the real
server at several places; the pitch of what comes out of the element says which moment is heard, and `currentTime` which
word is lit.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from console.security.access import Access
from console.server import application
from local.backend.embedded_ports import open_ports
from local.runtime.events import object_resource
from shared.flow import upload
from shared.settings import Settings
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.console.page.fake import serving
from tests.media import write_media

RATE, PERIOD, LOW, SLOPE = 16_000, 8.0, 500.0, 250.0
PLACES = (0.0, 0.13, 0.5, 0.77, 0.97)
MOST_MS = 100
KINDS = {
    "wav": ("a.wav", {}, 1 / 6),
    "mp3": ("b.mp3", {"bit_rate": 64_000}, 1 / 6),
    "mp3, variable bit rate": ("c.mp3", {"muxing": {}}, 1.0),
    "mp3, variable bit rate, no index": ("d.mp3", {"muxing": {"write_xing": "0", "id3v2_version": "0"}}, 1.0),
    "m4a": ("e.m4a", {}, 1 / 6),
    "mp4 with a picture": ("f.mp4", {"picture": True}, 1 / 24),
    "opus": ("g.opus", {}, 1 / 6),
    "ogg": ("h.ogg", {"layout": "stereo"}, 1 / 6),
    "flac": ("i.flac", {}, 1 / 6),
    "webm": ("j.webm", {}, 1 / 6),
    "mka": ("k.mka", {}, 1 / 6),
    "aac": ("l.aac", {}, 1 / 6),
    "wma": ("m.wma", {}, 1 / 6),
    "amr": ("n.amr", {}, 1 / 6),
}
"""Name of the file, options of `write_media`, and length as a share of --hours."""
LISTEN = """async ([place, count]) => {
    const audio = document.querySelector('audio');
    // A rendition may have to be made first.
    if (!audio.readyState) await new Promise(done => audio.addEventListener('loadedmetadata', done, {once: true}));
    if (!window.ear) {
        const context = new AudioContext();
        window.ear = context.createAnalyser();
        window.ear.fftSize = 2048;
        context.createMediaElementSource(audio).connect(window.ear).connect(context.destination);
        window.context = context;
    }
    await window.context.resume();
    audio.currentTime = place * audio.duration;
    await audio.play();
    const off = [];
    const samples = new Float32Array(window.ear.fftSize);
    for (let turn = 0; off.length < count && turn < 20 * count; turn += 1) {
        await new Promise(done => setTimeout(done, 60));
        const now = audio.currentTime;
        window.ear.getFloatTimeDomainData(samples);
        // Half of each recording is silent for half of the time, so that a variable bit rate varies.
        if (Math.max(...samples) < 0.1) continue;
        const zeros = [];
        for (let i = 1; i < samples.length; i += 1)
            if (samples[i - 1] < 0 && samples[i] >= 0) zeros.push(i - samples[i] / (samples[i] - samples[i - 1]));
        if (zeros.length < 15) continue;
        const pitch = (zeros.length - 1) * window.context.sampleRate / (zeros.at(-1) - zeros[0]);
        const heard = (pitch - 500) / 250 + samples.length / 2 / window.context.sampleRate;
        // Where the pitch falls back, a window has both.
        const place = (now % 8 + 8) % 8;
        if (place < 0.5 || place > 7.5 || Math.abs(place - 4) < 0.5) continue;
        off.push(((heard - now) % 8 + 12) % 8 - 4);
    }
    audio.pause();
    return off;
}"""


def tone(seconds):
    """The tone, int16, 16 kHz mono."""
    time = np.arange(int(PERIOD * RATE)) / RATE
    one = np.sin(2 * np.pi * (LOW * time + SLOPE * time**2 / 2)) * 12_000
    turns = int(seconds / PERIOD)
    quiet = one.copy()
    quiet[len(one) // 2 :] = 0
    return np.concatenate([np.tile(quiet, turns // 2), np.tile(one, turns - turns // 2)]).astype(np.int16)


def variable(path, samples, muxing):
    """Write an mp3 whose bit rate varies, with or without an index."""
    with av.open(str(path), "w", options=muxing) as out:
        stream = out.add_stream(
            "libmp3lame",
            rate=RATE,
            layout="mono",
            options={"flags": "+qscale", "global_quality": str(6 * 118)},
        )
        step = 60 * RATE
        for start in range(0, len(samples), step):
            frame = av.AudioFrame.from_ndarray(
                samples[None, start : start + step], format="s16", layout="mono"
            )
            frame.rate, frame.pts = RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=2.0, help="Length of the longest recording.")
    hours = parser.parse_args().hours
    folder = Path(tempfile.mkdtemp())
    ports = open_ports(replace(Settings(), state_dir=folder / "state"))
    table = Table("container", "length", "plays", "heard against highlighted, largest", "at most")
    worst = 0.0
    with (
        serving(application(ports, Access(token="bench"))) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as browser,
    ):
        page = browser.new_page()
        page.goto(f"{address}/?token=bench")
        for name, (file, options, share) in KINDS.items():
            seconds = hours * 3600 * share
            off, source = measured(page, address, ports, file, tone(seconds), options)
            told = f"{off:.0f} ms" if off is not None else "–"
            worst = max(worst, off or 0.0)
            table.add_row(name, f"{seconds / 60:.0f} min", source, told, f"{MOST_MS} ms")
    Console(width=110).print(table)
    return 0 if worst <= MOST_MS else 1


def measured(page, address, ports, file, samples, options):
    """Largest distance in milliseconds (None: it is not played), and what is played."""
    ports.inbox.mkdir(parents=True, exist_ok=True)
    path = ports.inbox / file
    if "muxing" in options:
        variable(path, samples, options["muxing"])
    else:
        write_media(path, samples, **options)
    source = ports.store.stat(ports.settings.audio_bucket, file)
    found = upload.on_upload(json.loads(object_resource(source)), ports)
    page.goto(f"{address}/recordings/{found.id}")
    page.locator(".facts").wait_for()
    audio = page.locator("audio")
    if not audio.count():
        return None, "nothing"
    page.wait_for_timeout(500)
    source = page.evaluate("id => fetch(`/api/v1/recordings/${id}`).then(one => one.json())", found.id)[
        "audio"
    ]
    off = [value for place in PLACES for value in page.evaluate(LISTEN, [place, 6])]
    if not off:
        return None, "nothing"
    return max(abs(value) for value in off) * 1000, "a rendition" if source["rendition"] else "the file"


if __name__ == "__main__":
    sys.exit(main())
