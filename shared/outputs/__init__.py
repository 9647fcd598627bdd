"""The output files of a recording: pure functions from a `Transcript` to bytes.

In reading order:

    formats      the table of all files, and `render`, which writes them
    printable    words as every file writes them: text on one line, whole milliseconds, names of speakers
    segments     words → sentences → paragraphs
    heard_language  which language a sentence is in, where the weights know several
    captions     words and sentences → captions by broadcast rules
    document     transcript.json
    tables       words.csv, paragraphs.csv
    subtitles    transcript.srt, transcript.vtt
    plain_text   transcript.txt

The same, where a request or the deployment asks for more (`shared/formats.py` has their names):

    word_times     words.vtt
    podcast        podcast.json
    markdown       transcript.md
    word_document  transcript.docx
    phonetics      labels.txt, words.TextGrid
    scoring        words.ctm, speakers.rttm

No clock, no host, no locale: the same transcript gives the same bytes wherever it is written.
"""

from shared.outputs.captions import Shape
from shared.outputs.formats import (
    Output,
    file_names,
    format_names,
    formats_of,
    render,
    with_captions,
)

__all__ = ["Output", "Shape", "file_names", "format_names", "formats_of", "render", "with_captions"]
