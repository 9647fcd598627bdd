"""The entrypoints that events reach: decode, call one step of the flow, return."""
