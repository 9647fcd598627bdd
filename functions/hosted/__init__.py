"""Chunks of hosted engines."""
