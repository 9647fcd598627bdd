"""Addresses on the internet that callers or operators named: none of them leads into a private network.

Read connection first, then download.

connection    resolves a name, checks its addresses, and connects to what was checked
webhook_call  posts a webhook
download      fetches a recording
"""
