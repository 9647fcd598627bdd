"""The output files of a recording: pure functions from a `Transcript` to bytes.

    words       what every file is written from: tidy words, whole milliseconds
    segments    words → sentences → paragraphs
    captions    words and sentences → captions by broadcast rules
    document    transcript.json        subtitles   transcript.srt, transcript.vtt
    tables      words.csv, paragraphs.csv
    render      all of them: file name → bytes and content type

No clock, no host, no locale: the same transcript gives the same bytes wherever it is written.
"""

from shared.outputs.render import FORMATS, Output, render

__all__ = ["FORMATS", "Output", "render"]
