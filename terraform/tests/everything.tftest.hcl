# Everything there is, created with made-up answers of the provider. What comes of it is written to inventory.json
# (`make generated`): a change of this root shows there, and the tests in Python read it.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project = "dropscribe-test"
  region  = "europe-west4"
  images = {
    functions = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    gpu       = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    cpu       = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/cpu@sha256:3333333333333333333333333333333333333333333333333333333333333333"
    console   = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/console@sha256:4444444444444444444444444444444444444444444444444444444444444444"
  }
  cpu             = {}
  hosted          = { for name, key in jsondecode(file("./generated.json")).hosted_keys : name => {} }
  console_members = ["group:editors@example.com"]

  budget = { billing_account = "012345-6789AB-CDEF01", monthly = 50 }
  alerts = { emails = ["ops@example.com"], runbook = "https://example.com/docs/runbook.md" }
}

# What a plan does not know yet is made up when it is applied: by this the inventory tells the two apart.
run "planned" {
  command = plan
}

run "everything" {
  command = apply

  assert {
    condition     = length(google_cloud_run_v2_service.this) == 6 + length(var.hosted) && length(google_cloud_run_v2_job.this) == 3
    error_message = "There are six functions and one for each hosted engine, two jobs, and one for the next release."
  }

  assert {
    condition = alltrue([for one in [for name in ["gpu", "gpu-canary"] : google_cloud_run_v2_job.this[name].template[0].template[0]] : (
      one.node_selector[0].accelerator == "nvidia-l4"
      && one.gpu_zonal_redundancy_disabled
      && one.max_retries == 0
      && one.timeout == "3600s"
      && one.containers[0].resources[0].limits == tomap({ cpu = "4", memory = "16Gi", "nvidia.com/gpu" = "1" })
    )])
    error_message = "A task of the GPU job has an L4 without zonal redundancy, 4 vCPUs and 16 GiB, an hour, and no second try."
  }

  assert {
    condition = (
      google_cloud_run_v2_job.this["cpu"].template[0].template[0].max_retries == 0
      && length(google_cloud_run_v2_job.this["cpu"].template[0].template[0].node_selector) == 0
      && google_cloud_run_v2_job.this["cpu"].template[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "4", memory = "8Gi" })
    )
    error_message = "A task of the CPU job has no GPU."
  }

  assert {
    condition = alltrue([for one in google_cloud_run_v2_service.this : (
      one.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY"
      && one.template[0].execution_environment == "EXECUTION_ENVIRONMENT_GEN2"
      && one.template[0].containers[0].resources[0].startup_cpu_boost
      && length(one.template[0].containers[0].startup_probe[0].tcp_socket) == 1
      && length(one.template[0].containers[0].startup_probe[0].http_get) == 0
    )])
    error_message = "Functions are internal, of the second generation, boosted at their start, and probed without a request."
  }

  assert {
    condition = alltrue([for one in concat(values(google_storage_bucket.this), [google_storage_bucket.sources]) :
      one.public_access_prevention == "enforced" && one.uniform_bucket_level_access
    ])
    error_message = "No bucket is public."
  }

  assert {
    condition     = google_storage_notification.uploads[0].bucket == google_storage_bucket.this["audio"].name && length(google_storage_notification.uploads) == 1
    error_message = "Only uploads trigger something, never transcripts."
  }

  assert {
    condition = alltrue([for name, one in google_pubsub_subscription.this :
      name == "dead-letters" ? length(one.dead_letter_policy) == 0 : (
        one.dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.this["dead-letters"].id
        && google_pubsub_subscription_iam_member.dead_letters[name].subscription == name
      )
    ]) && google_pubsub_subscription.this["dead-letters"].topic == google_pubsub_topic.this["dead-letters"].id
    error_message = "Every message that fails too often goes to the dead letters, and they have somebody who reads them."
  }

  assert {
    condition = length(distinct(concat(
      [for one in google_cloud_run_v2_service.this : one.template[0].service_account],
      [for one in google_cloud_run_v2_job.this : one.template[0].template[0].service_account],
    ))) == length(google_cloud_run_v2_service.this) + length(google_cloud_run_v2_job.this)
    error_message = "Each function and each job has an account of its own."
  }

  assert {
    condition = alltrue([for one in google_pubsub_subscription.this :
      alltrue([for push in one.push_config : push.oidc_token[0].audience == push.push_endpoint])
    ])
    error_message = "Pushes are signed for the function that gets them."
  }
}

run "foundation" {
  command = plan

  variables {
    images = null
  }

  assert {
    condition = alltrue([for count in [
      length(google_cloud_run_v2_service.this), length(google_cloud_run_v2_job.this), length(google_service_account.process),
      length(google_pubsub_subscription.this), length(google_storage_notification.uploads),
      length(google_cloud_scheduler_job.tick), length(google_monitoring_alert_policy.this),
      length(google_cloud_run_v2_service.console), length(google_iap_web_cloud_run_service_iam_member.console),
    ] : count == 0])
    error_message = "Without images nothing runs, listens or ticks."
  }

  assert {
    condition     = length(google_storage_bucket.this) == 3 && length(google_pubsub_topic.this) == 9 + length(var.hosted)
    error_message = "Buckets and topics are part of the foundation."
  }
}
