"""The entry points that messages are posted to: read, call one step of the flow, respond.

Each folder has a `main` with its functions: read router/main.py first.

router/      uploads and requests            sweeper/   every minute, and dead letters
hosted/      chunks of hosted engines        guard/     every minute, while a rollout is under way
merger/      chunks that are done            webhooks/  transcripts and budgets

caller       who may call
push         what was posted, as one message
outcome      the answer: done, or deliver again
time_limit   the end of a process whose step does not return

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
