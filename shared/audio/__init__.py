"""Probing and decoding of untrusted media, in a process of its own.

    sniff.py        which container is it, from its first bytes
    probe.py        duration, codec, channels, from header and tail …
      isobmff.py      … of mp4, m4a, mov (isobmff_boxes.py walks it, isobmff_codecs.py names its codecs)
        isobmff_fragments.py  … where it is fragmented
      matroska.py     … of mkv, webm (ebml.py: its elements)
      elementary.py   … of mp3 and raw aac: finds and reads frame headers
      flac.py         … of flac without a length
      promise.py      … of a file that is shorter than its header says:
        riff.py         wav, aiff, caf, w64
        avi.py          avi
        asf.py          wma, wmv, and whether they are encrypted
      ogg.py          … of ogg: was the stream brought to its end
      plain.py        … of wav with plain samples, which it decodes as well: no demuxer, no fork
    decode.py       one chunk as 16 kHz mono, cut by time …
      decode_span.py  … or by byte range
      shortcut.py     spares FFmpeg what a chunk does not need of a long file, by an overlay.py …
        isobmff_shortcut.py   … of mp4: of its tables (isobmff_tables.py, isobmff_samples.py), of its fragments
                              (isobmff_skip.py)
        matroska_shortcut.py  … of mkv and webm without an index
        landmarks.py          … found by a few guesses
      timeline.py     puts decoded frames in their places
      container.py    opens FFmpeg with everything switched off that a recording does not need
    sandbox.py      the caller's side: starts the process, answers its reads, enforces time
    child.py        the process: forks for each job, sets limits, never opens a file
    remote.py       the caller as the process sees it: gives bytes, takes samples
    reader.py       the recording as the decoders see it: a seekable file

Importing this package loads neither FFmpeg nor numpy.
"""

from shared.audio.sandbox.parent import Sandbox
from shared.audio.types import Limits, Pcm, Source

__all__ = ["Limits", "Pcm", "Sandbox", "Source"]
