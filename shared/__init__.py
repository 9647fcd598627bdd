"""The library both sides import: data model, messages, errors, ports, settings and the flow itself.

Start with `shared/flow/`: one step a file, in the order in which a recording passes through them.
"""
