"""The output files of a recording: pure functions from a `Transcript` to bytes.

In reading order:

    rendering          what writes each file of `shared/formats.py`, and `render`, which writes those of a transcript
    printable          words as every file writes them: text on one line, whole milliseconds, names of speakers
    segments           words → sentences → paragraphs
    detected_language  which language a sentence is in, where the weights know several
    captions           words and sentences → captions by broadcast rules
    document           transcript.json
    tables             words.csv, paragraphs.csv
    subtitles          transcript.srt, transcript.vtt
    plain_text         transcript.txt

The same, where a request or the deployment asks for more:

    word_times         words.vtt
    podcast            podcast.json
    markdown           transcript.md
    word_document      transcript.docx
    phonetics          labels.txt, words.TextGrid
    scoring            words.ctm, speakers.rttm

No clock, no host, no locale: the same transcript gives the same bytes wherever it is written.
"""

from shared.outputs.captions import Shape
from shared.outputs.rendering import Output, render

__all__ = ["Output", "Shape", "render"]
