"""The entrypoints that messages are posted to: read, call one step of the flow, answer.

caller       who may call
push         what was posted, as one message
outcome      the answer: done, or deliver again
time_limit   the end of a process whose step does not return

Each of router/ (uploads and requests), hosted/ (chunks of hosted engines), merger/ (chunks that are done), sweeper/
(every minute, and dead letters), guard/ (every minute, while a rollout is under way) and webhooks/ has a `main` with its functions: read
router/main.py first.

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
