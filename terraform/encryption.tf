# With a key of your own, the agents of the services that hold data use it.

locals {
  agents = {
    artifactregistry = "gcp-sa-artifactregistry.iam.gserviceaccount.com"
    firestore        = "gcp-sa-firestore.iam.gserviceaccount.com"
    pubsub           = "gcp-sa-pubsub.iam.gserviceaccount.com"
    run              = "serverless-robot-prod.iam.gserviceaccount.com"
    secretmanager    = "gcp-sa-secretmanager.iam.gserviceaccount.com"
    storage          = "gs-project-accounts.iam.gserviceaccount.com"
  }
}

resource "google_kms_crypto_key_iam_member" "agents" {
  for_each = var.kms_key == null ? {} : local.agents

  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@${each.value}"
}
