# A secret for each hosted engine's key, and one for what signs webhooks (`dropscribe webhook secret` makes it), without
# their values: a value here would be in the state. `make deploy` asks for the keys.

locals {
  secrets = merge(
    { for engine in keys(var.hosted) : engine => "${engine}-api-key" },
    var.webhook == null ? {} : { webhook = "webhook-secret" },
  )
}

# It was a resource of its own; a deployment from then keeps its secret, and what is in it.
moved {
  from = google_secret_manager_secret.webhook[0]
  to   = google_secret_manager_secret.keys["webhook"]
}

resource "google_secret_manager_secret" "keys" {
  for_each = local.secrets

  project             = var.project
  secret_id           = each.value
  deletion_protection = !var.delete_data

  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = var.kms_key[*]

          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

locals {
  key_readers = merge([
    for engine in keys(var.hosted) : {
      for name, one in local.functions : "${engine}/${name}" => { engine = engine, name = name }
      if one.keys && (!contains(keys(var.hosted), name) || name == engine)
    }
  ]...)
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = local.key_readers

  project   = var.project
  secret_id = google_secret_manager_secret.keys[each.value.engine].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.process[each.value.name].member
}

resource "google_secret_manager_secret_iam_member" "tellers" {
  for_each = toset([for name in local.tellers : name if contains(keys(local.functions), name)])

  project   = var.project
  secret_id = google_secret_manager_secret.keys["webhook"].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.process[each.key].member
}
