"""Webhooks: calls of one URL about what happened, signed as Standard Webhooks describes.

Read events.py first, then outbox.py and deliver.py.

- `events.py`: the events, and their ids
- `outbox.py`: the events that were sent, and until when each is retried
- `secret.py`: what signs it
- `deliver.py`: from a message to a call of the URL

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""
