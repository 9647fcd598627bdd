# Every wrong variable is refused before anything is planned. Each run has one wrong value for each of its variables:
# all of them must be refused.

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
}

run "wrong" {
  command = plan

  variables {
    project    = "12345678"
    gpu        = { memory_gib = 8 }
    cpu        = { memory_gib = 2 }
    model      = "/opt/weights"
    settings   = { DROPSCRIBE_LEASE = "60" }
    audio_days = 0
    database   = { name = "Records" }
    budget     = { billing_account = "mine", monthly = 10 }
    alerts     = { emails = ["ops"], channels = ["7"], runbook = "docs/runbook.md" }
  }

  expect_failures = [
    var.project, var.gpu, var.cpu, var.model, var.settings, var.audio_days, var.database, var.budget,
    var.alerts,
  ]
}

run "wrong_in_another_way" {
  command = plan

  variables {
    gpu      = { vcpus = 8 } # with 16 GiB
    cpu      = { max_tasks = 0 }
    settings = { DROPSCRIBE_REGION = "us-central1" }
    database = { backup_days = 365 }
    budget   = { billing_account = "012345-6789AB-CDEF01", monthly = 0.5 }
  }

  expect_failures = [var.gpu, var.cpu, var.settings, var.database, var.budget]
}

run "wrong_in_a_third_way" {
  command = plan

  variables {
    gpu = { max_tasks = 0 }
    cpu = { timeout_minutes = 2880 }
  }

  expect_failures = [var.gpu, var.cpu]
}

# These look at others, which must be right for it.
run "does_not_go_together" {
  command = plan

  variables {
    region  = "europe-north1" # no L4
    images  = { functions = "r/functions:latest", gpu = "r/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222" }
    hosted  = { nobody = {} }
    buckets = { audio = "recordings", transcripts = "recordings" }
  }

  expect_failures = [var.region, var.images, var.hosted, var.buckets]
}

run "does_not_go_together_in_another_way" {
  command = plan

  variables {
    region  = "europe"
    images  = { functions = "r/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111" } # none for the GPU job
    hosted  = { deepgram = { max_instances = 0 } }
    buckets = { transcripts = "dropscribe-test-audio" } # the audio bucket's default
  }

  expect_failures = [var.region, var.images, var.hosted, var.buckets]
}

run "does_not_go_together_in_a_third_way" {
  command = plan

  variables {
    cpu     = {} # and no image
    buckets = { audio = "gs://recordings" }
    kms_key = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
  }

  expect_failures = [var.images, var.buckets, var.kms_key]
}

run "two_hours_for_a_gpu_task" {
  command         = plan
  expect_failures = [var.gpu]

  variables {
    gpu = { timeout_minutes = 120 }
  }
}

run "nothing_that_transcribes" {
  command         = plan
  expect_failures = [var.hosted]

  variables {
    gpu = null
  }
}

run "more_memory_than_four_vcpus_take" {
  command = plan

  variables {
    cpu = { vcpus = 4, memory_gib = 24 }
  }

  expect_failures = [var.cpu]
}

run "source_bucket_as_an_address" {
  command = plan

  variables {
    source_buckets = ["gs://calls"]
  }

  expect_failures = [var.source_buckets]
}

# --- what is not refused ---

run "larger_gpu_task" {
  command = plan

  variables {
    gpu = { vcpus = 8, memory_gib = 32 }
  }

  assert {
    condition     = google_cloud_run_v2_job.this["gpu"].template[0].template[0].containers[0].resources[0].limits["memory"] == "32Gi"
    error_message = "Eight vCPUs go with 32 GiB."
  }
}

run "region_without_l4_and_without_a_gpu_job" {
  command = plan

  variables {
    region = "europe-north1"
    gpu    = null
    hosted = { deepgram = {} }
    images = { functions = "r/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111" }
  }

  assert {
    condition     = length(google_cloud_run_v2_job.this) == 0 && length(local.pulls) == 0
    error_message = "Deepgram alone needs no job."
  }
}

# Numbers that Google would refuse only while it creates things: parts of tasks, minutes, days and gibibytes.
run "not_whole" {
  command = plan

  variables {
    gpu        = { max_tasks = 1.5 }
    cpu        = { memory_gib = 8.5 }
    audio_days = 30.5
    database   = { backup_days = 6.5 }
  }

  expect_failures = [var.gpu, var.cpu, var.audio_days, var.database]
}

run "not_whole_minutes_and_names_that_are_too_long" {
  command = plan

  variables {
    gpu             = { timeout_minutes = 59.5 }
    cpu             = { timeout_minutes = 90.5 }
    audio_days      = 40000
    buckets         = { work = "a234567890123456789012345678901234567890123456789012345678901234" }
    source_buckets  = ["calls.example.com", "-calls"]
    invited_regions = ["Mumbai"]
  }

  expect_failures = [var.gpu, var.cpu, var.audio_days, var.buckets, var.source_buckets, var.invited_regions]
}

# It looks at gpu and cpu, which must be right for it.
run "not_whole_instances" {
  command = plan

  variables {
    hosted = { deepgram = { max_instances = 2.5 } }
  }

  expect_failures = [var.hosted]
}

run "not_invited" {
  command = plan

  variables {
    region = "asia-south1"
  }

  expect_failures = [var.region]
}

run "invited" {
  command = plan

  variables {
    region          = "asia-south1"
    invited_regions = ["asia-south1"]
    source_buckets  = ["calls.example.com"]
  }
}
