"""`dropscribe webhook`: generate a secret, and test the URL that is notified of transcripts and budgets."""

from __future__ import annotations

import secrets
import time

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import errors
from local.commands.terminal import print_json, print_text
from shared.connect import settings_here, webhook_sender
from shared.webhooks import deliver, events, secret

app = typer.Typer(
    help="Generate a webhook secret, and send a test to the webhook URL.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("secret")
def show_secret() -> None:
    """Print a new secret, for DROPSCRIBE_WEBHOOK_SECRET and for the receiver."""
    print_text(secret.new())


@app.command("test")
def send_test(*, as_json: options.AsJson = False) -> None:
    """Send one signed test to DROPSCRIBE_WEBHOOK_URL and show the response."""
    with errors():
        settings, now = settings_here(), time.time()
        event = events.of_test(secrets.token_hex(16))
        status = deliver.call(event.id, event.payload(now), now, settings, webhook_sender(settings))
    if as_json:
        print_json({"id": event.id, "status": status})
    else:
        print_text(f"Sent {event.id}; the receiver responded with {status}.")
