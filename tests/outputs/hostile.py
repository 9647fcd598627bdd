"""Words that could break out of a format, and how they are read in a file that kept them as text."""

from dataclasses import replace

from shared.outputs.printable import tidy
from tests.outputs.streams import NASTY, said_by, transcript, word

TEXTS = (
    *NASTY, "a\nb", "tab\there", "\r\n", "bell\x07", "nul\x00", "\u202eright", "\u2028", "\ufeff", "\ufffe", "\ud800",
    '"', '""', "#", "##", "1.", "2)", "- x", "+", "===", "***", "~~x~~", "`code`", "[a](http://b)", "![i](j)", "|a|b|",
    "$x$", "\\", "*bold*", "_it_", ";;", "<NA>", "SPEAKER", "{", "👍🏽", "שלום", "=cmd()", "</v>", "<00:00:01.000>",
)  # fmt: skip

WORDS = [
    word(text, index * 0.5, index * 0.5 + (0.4 if index % 3 else 0.0)) for index, text in enumerate(TEXTS)
]
TIDY = tidy(WORDS)
"""The words as every file has them."""

HOSTILE = transcript(
    WORDS, warnings=("A *warning* --> <b>.\nIt has two lines.",), name="a/<img onerror=x> #1 *.mp3"
)
TALKERS = transcript(said_by(WORDS, [1, 1, 2, None, 1, 3]), name="two words.wav")
NAMED = replace(TALKERS, speakers={1: "<b>*Ann*</b> \\ & -->", 2: '"Bo" |x|'})
SILENT = transcript([])
