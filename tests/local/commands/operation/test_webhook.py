import json

import pytest
from standardwebhooks.webhooks import Webhook
from typer.testing import CliRunner

from local.commands.operation.webhook import app
from shared.settings import Settings
from tests.adapters.web.test_webhook_call import OK, receiver


def run(*arguments):
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def secret():
    return run("secret").stdout.strip()


def test_a_new_secret_is_one_that_the_settings_take(secret):
    assert Settings(webhook_secret=secret).webhook_secrets == (secret,)
    assert run("secret").stdout.strip() != secret


def test_a_test_is_signed_and_the_answer_is_shown(secret, monkeypatch):
    with receiver(lambda it: it.sendall(OK)) as (url, taken):
        monkeypatch.setenv("DROPSCRIBE_WEBHOOK_URL", url)
        monkeypatch.setenv("DROPSCRIBE_WEBHOOK_SECRET", secret)
        result = run("test", "--json")
    assert result.exit_code == 0
    head, body = taken[0].split(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"
    assert json.loads(result.stdout) == {"id": headers["webhook-id"], "status": 204}


def test_what_the_receiver_says_is_an_error_in_one_sentence(secret, monkeypatch):
    with receiver(lambda it: it.sendall(b"HTTP/1.1 302 F\r\nLocation: /x\r\n\r\n")) as (url, _):
        monkeypatch.setenv("DROPSCRIBE_WEBHOOK_URL", url)
        monkeypatch.setenv("DROPSCRIBE_WEBHOOK_SECRET", secret)
        result = run("test")
    assert result.exit_code == 75
    assert "127.0.0.1 answered 302. Redirects are not followed" in " ".join(result.output.split())


def test_without_an_address_it_says_which_setting_is_missing(monkeypatch):
    monkeypatch.delenv("DROPSCRIBE_WEBHOOK_URL", raising=False)
    result = run("test")
    assert (result.exit_code, "DROPSCRIBE_WEBHOOK_URL is not set" in " ".join(result.output.split())) == (
        78,
        True,
    )
