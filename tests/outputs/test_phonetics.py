import re

import pytest
import textgrid
from hypothesis import given, settings

from shared.outputs import render
from shared.outputs.phonetics import words_textgrid
from shared.outputs.printable import tidy
from shared.outputs.segments import sentences
from tests.outputs.hostile import HOSTILE, NAMED, SILENT, TALKERS, TIDY
from tests.outputs.streams import conversation, said_by, spoken, together, transcript, word

LABEL = re.compile(r"(\d+\.\d{3})\t(\d+\.\d{3})\t([^\t\n]+)\n")


def labels(of):
    (file,) = render(of, ["audacity"])
    text = file.data.decode()
    assert LABEL.sub("", text) == ""
    return LABEL.findall(text)


@pytest.fixture
def grid(tmp_path):
    def read(of):
        (file,) = render(of, ["textgrid"])
        (tmp_path / file.name).write_bytes(file.data)
        found = textgrid.TextGrid()
        found.read(str(tmp_path / file.name))
        return found

    return read


def spans(tier):
    return [(one.minTime, one.maxTime, one.mark) for one in tier]


def test_a_label_is_a_sentence():
    assert labels(transcript(spoken("One, two. Three.", start=0.5))) == [
        ("0.500", "1.100", "One, two."),
        ("1.100", "1.400", "Three."),
    ]


def test_labels_have_every_word_whatever_it_says():
    assert " ".join(text for _, _, text in labels(HOSTILE)) == " ".join(one.text for one in TIDY)


def test_a_label_names_who_begins_to_speak():
    words = said_by(spoken("Yes. Never. Ever."), [1, 2, 2])
    assert [text for _, _, text in labels(transcript(words))] == [
        "Speaker 1: Yes.",
        "Speaker 2: Never.",
        "Ever.",
    ]


def test_silence_has_no_labels():
    assert labels(SILENT) == []


def test_a_grid_has_words_and_sentences_and_what_is_between_them(grid):
    found = grid(transcript([word("One.", 0.5, 0.8), word("Two.", 2.0, 2.3)]))
    assert [one.name for one in found.tiers] == ["words", "sentences"]
    silence = [(0.0, 0.5, ""), (0.5, 0.8, "One."), (0.8, 2.0, ""), (2.0, 2.3, "Two.")]
    assert spans(found[0]) == spans(found[1]) == silence


def test_a_grid_with_speakers_has_their_turns(grid):
    found = grid(transcript(said_by(spoken("Yes. No. Maybe."), [1, 1, 2])))
    assert spans(found[2]) == [(0.0, 0.6, "Speaker 1"), (0.6, 0.9, "Speaker 2")]


@pytest.mark.parametrize("of", [HOSTILE, TALKERS, NAMED])
def test_a_grid_has_every_word_whatever_it_says(grid, of):
    assert [one.mark for one in grid(of)[0] if one.mark] == [one.text for one in TIDY]


def test_silence_is_one_empty_interval(grid):
    assert [spans(tier) for tier in grid(SILENT).tiers] == [[(0.0, 3.0, "")]] * 2


def test_no_time_at_all_is_a_millisecond(grid):
    assert grid(transcript([word("a", 0.0, 0.0)])).maxTime == 0.001


@given(conversation)
@settings(max_examples=40)
def test_intervals_follow_each_other_without_a_gap(words):
    (file,) = render(transcript(words), ["textgrid"])
    tiers = file.data.decode().split("    item [")[1:]
    of_words = [one for one in tiers if 'name = "words' in one]
    said = [re.findall(r'^            text = "(.+)"$', one, re.MULTILINE) for one in of_words]
    for tier in tiers:
        numbers = [
            float(one) for one in re.findall(r"^            xm(?:in|ax) = ([\d.]+)$", tier, re.MULTILINE)
        ]
        starts, ends = numbers[::2], numbers[1::2]
        assert starts == [0.0, *ends[:-1]]
        assert all(start < end for start, end in zip(starts, ends, strict=True))
    expected = tidy(words)
    if len(said) > 1:
        speakers = list(dict.fromkeys(one.speaker for one in expected))
        expected = sorted(expected, key=lambda one: speakers.index(one.speaker))
    assert [one.replace('""', '"') for tier in said for one in tier] == [one.text for one in expected]


def test_turns_have_the_names_of_speakers(grid):
    marks = [one.mark for one in grid(NAMED)[2] if one.mark]
    assert marks[:2] == ["<b>*Ann*</b> \\ & -->", '"Bo" |x|']


def test_where_two_people_talk_at_once_each_has_tiers_of_words_and_sentences():
    one = said_by(spoken("We kept the boats in winter."), [1])
    two = said_by([word("Yes.", 0.95, 1.15)], [2])
    words = together(one, two)
    grid = words_textgrid(words, sentences(words), 3.0, {2: 'Bo "B"'}).decode()
    assert re.findall(r'name = "(.*)"', grid) == [
        "words (Speaker 1)",
        'words (Bo ""B"")',
        "sentences (Speaker 1)",
        'sentences (Bo ""B"")',
        "speakers",
    ]
    for text, start, end in (("We kept the boats in winter.", "0.000", "1.800"), ("Yes.", "0.950", "1.150")):
        assert f'xmin = {start}\n            xmax = {end}\n            text = "{text}"' in grid
