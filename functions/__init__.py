"""The entrypoints that receive events: decode, call one step of the flow, return."""
