"""A wrong value of an option is told in the words of people, and of two values the last does not win in silence."""

import pytest
from typer.testing import CliRunner

from local.cli import app


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("status", "--limit", "many"), "'--limit': 'many' is not a whole number."),
        (("status", "--limit", "1.5"), "'--limit': '1.5' is not a whole number."),
        (("status", "--limit", "0"), "'--limit': 0 is too small. Give 1 or more."),
        (("status", "--limit", "5000"), "'--limit': 5000 is too large. Give 1000 or less."),
        (("submit", "x.mp3", "--timeout", "soon"), "'--timeout': 'soon' is not a number."),
        (("cost", "--since", "May"), "'--since': 'May' is not a day. Write it as YYYY-MM-DD"),
        (("cost", "--by", "week"), "'--by': 'week' is not one of 'day', 'month',"),
        (("dead-letters", "list", "--limit", "0"), "'--limit': 0 is too small."),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(args, says):
    done = CliRunner().invoke(app, args)
    said = " ".join(done.output.replace("│", " ").split())
    assert done.exit_code == 2
    assert says in said
    assert "Input should" not in said
    assert "Value error" not in said


def refused(*args):
    done = CliRunner().invoke(app, args)
    return done.exit_code, " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (
            ("route", "x.mp3", "--language", "en", "--language", "de"),
            "--language is given 2 times. Give it once.",
        ),
        (("route", "x.mp3", "--method=parakeet", "--method", "parakeet"), "--method is given 2 times."),
        (("dead-letters", "list", "--limit", "1", "--limit", "2"), "--limit is given 2 times."),
    ],
)
def test_an_option_that_is_given_twice_is_refused(args, named):
    code, said = refused(*args)
    assert code == 2
    assert named in said


def test_options_that_collect_and_flags_may_come_again(tmp_path):
    missing = str(tmp_path / "x.mp3")
    for args in (("submit", missing, "--wait", "--wait"), ("route", missing, "--language", "en")):
        assert "times" not in refused(*args)[1]
