"""Webhooks: tell one address what happened, signed as Standard Webhooks describes.

Read events.py first, then outbox.py and deliver.py.

- `events.py`: what is told, and its id
- `outbox.py`: what was told, and until when it is tried
- `secret.py`: what signs it
- `deliver.py`: from a message to a call of the address

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""
