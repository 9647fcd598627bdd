# The records. Their indexes, exemptions and TTLs are in firestore_indexes.tf.json, which is generated.

resource "google_firestore_database" "this" {
  project                           = var.project
  name                              = var.database.name
  location_id                       = var.region
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.delete_data ? "DELETE_PROTECTION_DISABLED" : "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = var.delete_data ? "DELETE" : "PREVENT"

  dynamic "cmek_config" {
    for_each = var.kms_key[*]

    content {
      kms_key_name = cmek_config.value
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

resource "google_firestore_backup_schedule" "daily" {
  project   = var.project
  database  = google_firestore_database.this.name
  retention = "${var.database.backup_days * 86400}s"

  daily_recurrence {}
}

# The only role on data of the whole project: Firestore has none on a collection.
resource "google_project_iam_member" "records" {
  for_each = toset(local.processes)

  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.process[each.key].member
}
