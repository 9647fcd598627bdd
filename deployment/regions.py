"""Where Cloud Run has L4s."""

from __future__ import annotations

L4 = ("asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east4")
"""https://cloud.google.com/run/docs/configuring/jobs/gpu, read on 2026-11-29; terraform/locals.tf has the same."""

BY_INVITATION = ("asia-south1",)
"""Google's account team lets a project in; the same page."""

PERHAPS_BY_INVITATION = ("us-central1",)
"""One newer page marks it so; a project's quota there says whether it is in."""
