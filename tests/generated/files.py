"""Every file that is made from the code, wholly or in part."""

from __future__ import annotations

from tests.generated import firestore, for_terraform, output_files, request_schema, roles, tables
from tests.test_architecture import ROOT

FILES = {
    "README.md": output_files.readme,
    "docs/data-model.md": firestore.guide,
    "docs/fallback.md": tables.circle,
    "docs/google-cloud.md": roles.guide,
    "docs/monitoring.md": tables.metrics,
    "docs/outputs.md": output_files.guide,
    "docs/request.schema.json": request_schema.written,
    "docs/settings.md": tables.settings,
    "terraform/alerts.json": for_terraform.alerts,
    "terraform/dashboard.json": for_terraform.dashboard,
    "terraform/firestore_indexes.tf.json": firestore.terraform,
    "terraform/generated.json": for_terraform.deployment,
    "terraform/log_metrics.json": for_terraform.log_metrics,
}
"""What each must be, by its path from the root."""


def stale(name):
    """What a file must be, if it is something else; None: it is as it must be."""
    path, text = ROOT / name, FILES[name]()
    return None if path.exists() and path.read_text("utf-8") == text else text
