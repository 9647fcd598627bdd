# The workers: jobs that functions start when there is work, and that end by themselves (docs/decisions/0027).

resource "google_cloud_run_v2_job" "this" {
  for_each = local.jobs

  project             = var.project
  name                = "dropscribe-${each.key}"
  location            = var.region
  deletion_protection = false

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? [true] : []

    content {
      use_default = true
    }
  }

  template {
    # An execution's override sets the number of tasks, and nothing else; `parallelism` stays unset, so all run at once.
    task_count = 1

    # Billing gets the labels of a template only; `dropscribe cost reconcile` asks for this one.
    labels = { dropscribe = "worker" }

    template {
      service_account       = google_service_account.process[each.key].email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "${each.value.timeout_minutes * 60}s"
      encryption_key        = var.kms_key
      # Messages of a worker that died are redelivered, and the bill stays exact.
      max_retries                   = 0
      gpu_zonal_redundancy_disabled = each.value.gpu ? true : null

      dynamic "node_selector" {
        for_each = each.value.gpu ? ["nvidia-l4"] : []

        content {
          accelerator = node_selector.value
        }
      }

      containers {
        image = each.value.image
        args  = ["-m", "gpu_job"]

        resources {
          limits = merge(
            { cpu = tostring(each.value.vcpus), memory = "${each.value.memory_gib}Gi" },
            each.value.gpu ? { "nvidia.com/gpu" = "1" } : {},
          )
        }

        dynamic "env" {
          for_each = merge(
            local.environment,
            { DROPSCRIBE_ENGINES = each.value.engine, DROPSCRIBE_RELEASE = local.release[each.value.image] },
            # A worker ends by itself before it is killed.
            { DROPSCRIBE_WORKER_MINUTES = tostring(each.value.timeout_minutes - 5) },
            each.value.lane == "" ? {} : { DROPSCRIBE_GPU_LANE = each.value.lane },
          )

          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [client, client_version]
  }

  depends_on = [
    google_project_iam_member.records,
    google_kms_crypto_key_iam_member.agents,
  ]
}

# --- who starts workers, and sees how many run ---

locals {
  job_roles = ["roles/run.jobsExecutorWithOverrides", "roles/run.viewer"]

  # Whoever publishes chunks sees to it that somebody takes them. A worker hands chunks to other engines only.
  job_grants = merge([
    for job, one in local.jobs : merge([
      for name in setsubtract(local.steps, local.apart) : {
        for role in local.job_roles : "${job}/${name}/${role}" => { job = job, name = name, role = role }
      }
      if try(local.jobs[name].engine, "") != one.engine
    ]...)
  ]...)
}

resource "google_cloud_run_v2_job_iam_member" "starters" {
  for_each = local.job_grants

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_job.this[each.value.job].name
  role     = each.value.role
  member   = google_service_account.process[each.value.name].member
}

# The guard of a rollout ends the next release's workers when that goes back.
resource "google_cloud_run_v2_job_iam_member" "guard" {
  for_each = setintersection(keys(local.jobs), ["gpu-canary"])

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_job.this[each.key].name
  role     = "roles/run.developer"
  member   = google_service_account.process["guard"].member
}
