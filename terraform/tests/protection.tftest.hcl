# Keys of one's own, admitted images, and what may be deleted.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project = "dropscribe-test"
  region  = "europe-west4"
  images = {
    functions = "r/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    gpu       = "r/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  }
  hosted = { deepgram = {} }
}

run "data_is_kept" {
  command = plan

  assert {
    condition = alltrue([for one in google_storage_bucket.this : one.deletion_policy == "PREVENT" && !one.force_destroy]) && (
      google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED"
      && google_firestore_database.this.deletion_policy == "PREVENT"
      && google_secret_manager_secret.keys["deepgram"].deletion_protection
    )
    error_message = "Buckets, records and keys are protected."
  }
}

run "data_may_be_deleted" {
  command = plan

  variables {
    delete_data = true
  }

  assert {
    condition = alltrue([for one in google_storage_bucket.this : one.deletion_policy == "DELETE" && one.force_destroy]) && (
      google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_DISABLED"
      && google_firestore_database.this.deletion_policy == "DELETE"
      && !google_secret_manager_secret.keys["deepgram"].deletion_protection
    )
    error_message = "With delete_data everything may be deleted."
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key = "projects/keys/locations/europe-west4/keyRings/r/cryptoKeys/k"
  }

  assert {
    condition = alltrue(concat(
      [for one in google_storage_bucket.this : one.encryption[0].default_kms_key_name == var.kms_key],
      [google_storage_bucket.sources.encryption[0].default_kms_key_name == var.kms_key],
      [for one in google_pubsub_topic.this : one.kms_key_name == var.kms_key],
      [google_firestore_database.this.cmek_config[0].kms_key_name == var.kms_key],
      [google_artifact_registry_repository.images.kms_key_name == var.kms_key],
      [for one in google_secret_manager_secret.keys :
      one.replication[0].user_managed[0].replicas[0].customer_managed_encryption[0].kms_key_name == var.kms_key],
      [for one in google_cloud_run_v2_service.this : one.template[0].encryption_key == var.kms_key],
      [for one in google_cloud_run_v2_job.this : one.template[0].template[0].encryption_key == var.kms_key],
      [length(google_kms_crypto_key_iam_member.agents) == 6, contains(keys(google_project_service.this), "cloudkms.googleapis.com")],
    ))
    error_message = "Everything that rests is encrypted with the key, and the services' agents may use it."
  }
}

run "admitted_images" {
  command = plan

  variables {
    binary_authorization = true
  }

  assert {
    condition = alltrue(concat(
      [for one in google_cloud_run_v2_service.this : one.binary_authorization[0].use_default],
      [for one in google_cloud_run_v2_job.this : one.binary_authorization[0].use_default],
    ))
    error_message = "Services and jobs ask the project's policy."
  }
}
