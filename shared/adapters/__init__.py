"""The Google Cloud column of ports: one file a service, the only files that import its client.

Importing a module loads its client library; a client is built on first use, so a wrong credential shows
where it matters and not at import. The flow imports none of them.
"""
