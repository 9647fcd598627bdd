# The page: one service behind Identity-Aware Proxy, for those who are named.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project = "dropscribe-test"
  region  = "europe-west4"
  images = {
    functions = "r/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    gpu       = "r/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    console   = "r/console@sha256:4444444444444444444444444444444444444444444444444444444444444444"
  }
  hosted          = { deepgram = {} }
  console_members = ["group:editors@example.com", "user:ann@example.com", "domain:example.org"]
  console_names   = ["dropscribe.example.com"]
}

run "served" {
  command = apply

  assert {
    condition = (
      google_cloud_run_v2_service.console[0].iap_enabled
      && google_cloud_run_v2_service.console[0].ingress == "INGRESS_TRAFFIC_ALL"
      && google_cloud_run_v2_service.console[0].template[0].containers[0].image == var.images.console
      && google_cloud_run_v2_service.console[0].template[0].timeout == "3600s"
      && google_cloud_run_v2_service.console[0].template[0].scaling[0].min_instance_count == 0
      && google_cloud_run_v2_service.console[0].template[0].scaling[0].max_instance_count == 2
      && google_cloud_run_v2_service.console[0].template[0].containers[0].startup_probe[0].http_get[0].path == "/health"
    )
    error_message = "The page is behind the proxy, costs nothing while nobody looks, and streams for an hour."
  }

  assert {
    condition = {
      for one in google_cloud_run_v2_service.console[0].template[0].containers[0].env : one.name => one.value
      if contains(["DROPSCRIBE_IAP_AUDIENCE", "DROPSCRIBE_CONSOLE_NAMES", "DROPSCRIBE_RELEASE", "DROPSCRIBE_HOSTED_ELSEWHERE"], one.name)
      } == {
      DROPSCRIBE_IAP_AUDIENCE     = "/projects/123456789012/locations/europe-west4/services/dropscribe-console"
      DROPSCRIBE_CONSOLE_NAMES    = "dropscribe-console-123456789012.europe-west4.run.app,.a.run.app,dropscribe.example.com"
      DROPSCRIBE_RELEASE          = "444444444444"
      DROPSCRIBE_HOSTED_ELSEWHERE = "deepgram"
    }
    error_message = "It knows whose signature it takes, its own names, and the hosted engines that others call."
  }

  assert {
    condition     = alltrue([for one in google_cloud_run_v2_service.console[0].template[0].containers[0].env : length(one.value_source) == 0])
    error_message = "It has no secrets."
  }

  assert {
    condition = (
      toset([for one in google_iap_web_cloud_run_service_iam_member.console : one.member]) == var.console_members
      && alltrue([for one in google_iap_web_cloud_run_service_iam_member.console : one.role == "roles/iap.httpsResourceAccessor"])
      && google_cloud_run_v2_service_iam_member.console[0].member == "serviceAccount:service-123456789012@gcp-sa-iap.iam.gserviceaccount.com"
    )
    error_message = "Whoever is named comes in, through the proxy."
  }

  assert {
    condition     = google_storage_bucket.this["audio"].cors[0].origin == tolist(["https://dropscribe-console-123456789012.europe-west4.run.app", "https://dropscribe.example.com"])
    error_message = "The page may upload to the audio bucket."
  }

  assert {
    condition = (
      { for key, one in google_storage_bucket_iam_member.this : one.bucket => one.role if endswith(key, "/console/roles/storage.objectUser") }
      == { for one in google_storage_bucket.this : one.name => "roles/storage.objectUser" }
      && length([for key in keys(google_storage_bucket_iam_member.this) : key if strcontains(key, "/console/")]) == 3
      && length([for key in keys(google_cloud_run_v2_job_iam_member.starters) : key if strcontains(key, "/console/")]) == 0
      && length([for one in google_secret_manager_secret_iam_member.readers : one if one.member == google_service_account.process["console"].member]) == 0
      && toset([for key, one in google_pubsub_topic_iam_member.processes : one.topic if endswith(key, "/console")]) == setsubtract(local.topics, ["dead-letters"])
    )
    error_message = "It writes into the three buckets and publishes; it starts no job and reads no secret."
  }

  assert {
    condition     = output.console == "https://dropscribe-console-123456789012.europe-west4.run.app"
    error_message = "Its address is told."
  }

  assert {
    condition     = contains(local.apis, "iap.googleapis.com")
    error_message = "Identity-Aware Proxy is enabled."
  }
}

run "for_nobody" {
  command = plan

  variables {
    console_members = []
    console_names   = []
  }

  assert {
    condition = alltrue([
      length(google_cloud_run_v2_service.console) == 0,
      length(google_storage_bucket.this["audio"].cors) == 0,
      output.console == null,
      !contains(local.apis, "iap.googleapis.com"),
      !contains(keys(google_service_account.process), "console"),
    ])
    error_message = "Without members there is no page, nor anything for it."
  }
}

run "for_everybody" {
  command = plan

  variables {
    console_members = ["allUsers"]
  }

  expect_failures = [var.console_members]
}

run "for_everybody_with_an_account" {
  command = plan

  variables {
    console_members = ["group:editors@example.com", "allAuthenticatedUsers"]
    console_names   = ["https://dropscribe.example.com"]
  }

  expect_failures = [var.console_members, var.console_names]
}

run "without_an_image" {
  command = plan

  variables {
    images = {
      functions = "r/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111"
      gpu       = "r/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    }
  }

  expect_failures = [var.images]
}
