# A new project has most services switched off. They stay enabled when this root is taken down: others may use them.

locals {
  apis = toset(concat([
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtrace.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com", # signs addresses of audio
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com", # takes OpenTelemetry's own protocol
    ],
    var.binary_authorization ? ["binaryauthorization.googleapis.com"] : [],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
    length(var.console_members) == 0 ? [] : ["iap.googleapis.com"],
    var.kms_key == null ? [] : ["cloudkms.googleapis.com"],
  ))
}

resource "google_project_service" "this" {
  for_each = local.apis

  project            = var.project
  service            = each.key
  disable_on_destroy = false
}
