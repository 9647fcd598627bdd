from __future__ import annotations

import pytest

from shared.connect import settings_here
from shared.costs import prices_file
from shared.costs.prices import TABLE, Price
from shared.errors import ConfigurationError
from shared.model import Options
from shared.settings import Settings


@pytest.fixture
def file(tmp_path):
    return tmp_path / "ours.toml"


def load(file, text):
    file.write_text(text)
    prices_file.load.cache_clear()
    return prices_file.load(str(file))


def test_without_a_file_the_list_prices_hold():
    assert prices_file.table(Settings()) is TABLE


def test_a_file_changes_what_it_names_and_nothing_else(file):
    table = load(
        file,
        'deepgram_minute = 0.0036\ndate = "2026-10-01"\n[l4_second]\nusd = 0.00014\nsource = "contract"\ndate = 2026-07-01\n'
        "[task_minimum]\nseconds = 0\n",
    )
    assert table.price("deepgram", "minute").usd == 0.0036
    assert (table.price("deepgram", "minute").source, table.price("deepgram", "minute").date) == (
        "ours.toml",
        "2026-10-01",
    )
    assert table.price("deepgram", "minute").per == TABLE.price("deepgram", "minute").per
    assert (table.l4_second.usd, table.l4_second.source, table.l4_second.date) == (
        0.00014,
        "contract",
        "2026-07-01",
    )
    assert table.task_minimum.seconds == 0
    assert table.vcpu_second == TABLE.vcpu_second


def test_each_price_and_rule_can_be_set(file):
    table = load(
        file, "".join(f"{key} = {number}.5\n" for number, key in enumerate(prices_file.entries(), 1))
    )
    for number, key in enumerate(prices_file.entries(), 1):
        entry = table.of_engines.get(key) or getattr(table, key)
        assert (entry.usd if isinstance(entry, Price) else entry.seconds) == number + 0.5
    # Prices and rules, each of which some sum is made of.
    worth = {key: number + 0.5 for number, key in enumerate(prices_file.entries(), 1)}
    every = Options(language="mul", diarize=True, keyterms="x")
    assert table.hosted("deepgram", 60, every) == (
        worth["deepgram_minute_multilingual"]
        + worth["deepgram_minute_speakers"]
        + worth["deepgram_minute_keyterms"]
    )
    assert table.hosted("deepgram", 60) == worth["deepgram_minute"] == 1.5
    task = worth["l4_second"] + 4 * worth["vcpu_second"] + 16 * worth["gib_second"]
    assert table.gpu_second(Settings()) == task
    step = worth["task_step"]
    assert step == worth["task_minimum"] + 1
    assert table.task_seconds(1.0) == step
    assert table.task_seconds(step) == step
    assert table.task_seconds(step + 0.5) == 2 * step
    assert table.egress(2**30, Settings(platform="google", project="my-project")) == worth["egress_gib"]


def test_a_version_is_the_name_and_a_digest_so_that_a_changed_file_is_another_version(file):
    first = load(file, "deepgram_minute = 0.0036\n").version
    assert first.startswith("ours-")
    assert first == load(file, "deepgram_minute = 0.0036\n").version
    assert first != load(file, "deepgram_minute = 0.0037\n").version
    assert load(file, 'name = "acme"\n').version.startswith("acme-")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deepgram_minute = \n", "line 1"),
        ("\n\nl4_second 4\n", "line 3"),
        ("deepgram_hour = 0.26\n", "deepgram_hour is unknown"),
        ("version = 'x'\n", "version is unknown"),
        ("deepgram_minute = -1\n", "deepgram_minute: usd must be a number"),
        ("deepgram_minute = nan\n", "deepgram_minute: usd must be a number"),
        ("deepgram_minute = inf\n", "deepgram_minute: usd must be a number"),
        ("deepgram_minute = true\n", "deepgram_minute: usd must be a number"),
        ("deepgram_minute = '1'\n", "deepgram_minute: usd must be a number"),
        ("[l4_second]\nsource = 'x'\n", "l4_second: usd must be a number"),
        ("[l4_second]\nusd = 1\neuro = 2\n", "l4_second.euro is unknown"),
        ("[l4_second]\nusd = 1\ndate = 'May'\n", "l4_second.date must be a date"),
        ("task_step = 0\n", "task_step: seconds must be more than 0"),
        ("[task_step]\nusd = 1\n", "task_step.usd is unknown"),
        ("name = 'a/b'\n", "name must be"),
        ("date = 3\n", "date must be a date"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_or_key(file, text, said):
    with pytest.raises(ConfigurationError, match="DROPSCRIBE_PRICES") as caught:
        load(file, text)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_bytes_that_are_no_text_are_refused(file):
    file.write_bytes(b"\xff\xfe")
    prices_file.load.cache_clear()
    with pytest.raises(ConfigurationError, match="is not TOML"):
        prices_file.load(str(file))


def test_a_missing_file_stops_a_process_at_its_start(file, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_PRICES", str(file))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        settings_here()


def test_a_price_of_ones_own_is_the_only_one(file):
    table = load(file, "deepgram_minute = 0.005\n")
    assert table.hosted("deepgram", 60) == table.hosted("deepgram", 60, lowest=True) == 0.005


def test_prices_can_be_given_as_json_text_where_there_is_no_file(monkeypatch):
    text = '{"name": "acme", "deepgram_minute": 0.0036, "l4_second": {"usd": 0.0001, "date": "2026-10-01"}}'
    monkeypatch.setenv("DROPSCRIBE_PRICES", text)
    table = prices_file.table(settings_here())
    assert (table.hosted("deepgram", 60), table.l4_second.usd) == (0.0036, 0.0001)
    assert table.version.startswith("acme-")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"deepgram_minute": ', "DROPSCRIBE_PRICES is not JSON: "),
        ('{"deepgram_hour": 1}', "DROPSCRIBE_PRICES: deepgram_hour is unknown"),
        ('{"deepgram_minute": -1}', "deepgram_minute: usd must be a number, 0 or more"),
    ],
)
def test_json_text_that_is_wrong_is_refused(text, says):
    with pytest.raises(ConfigurationError, match=says):
        prices_file.load(text)
