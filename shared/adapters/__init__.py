"""Adapters for Google Cloud and for hosted engines: one service per module, which alone imports its client.

Importing a module loads its client library. A client is built on first use, so that wrong credentials do not
fail the import. The flow imports none of these modules.
"""
