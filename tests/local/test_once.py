"""Of two values of an option the last does not win in silence."""

import pytest
from typer.testing import CliRunner

from local.cli import app


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
