"""The router: from an uploaded object to published chunks."""
