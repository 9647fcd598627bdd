# What `make rollout` deploys: another image for the functions and for the job of the next release, and for nothing else.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project = "dropscribe-test"
  region  = "europe-west4"
  images = {
    functions  = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/functions@sha256:4444444444444444444444444444444444444444444444444444444444444444"
    gpu        = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    gpu_canary = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/gpu@sha256:5555555555555555555555555555555555555555555555555555555555555555"
  }
}

run "next_release" {
  command = plan

  assert {
    condition = (
      google_cloud_run_v2_job.this["gpu"].template[0].template[0].containers[0].image == var.images.gpu &&
      google_cloud_run_v2_job.this["gpu-canary"].template[0].template[0].containers[0].image == var.images.gpu_canary
    )
    error_message = "Only the job of the next release has its image."
  }

  assert {
    condition = [for job in ["gpu", "gpu-canary"] : {
      for one in google_cloud_run_v2_job.this[job].template[0].template[0].containers[0].env : one.name => one.value
      if contains(["DROPSCRIBE_RELEASE", "DROPSCRIBE_GPU_LANE"], one.name)
      }] == [
      { DROPSCRIBE_RELEASE = "222222222222" },
      { DROPSCRIBE_RELEASE = "555555555555", DROPSCRIBE_GPU_LANE = "canary" },
    ]
    error_message = "Each job is told its release, and only the next release's works in a lane of its own."
  }

  assert {
    condition = alltrue([for one in google_cloud_run_v2_service.this : contains([
      for env in one.template[0].containers[0].env : env.value if env.name == "DROPSCRIBE_RELEASE"
    ], "444444444444")])
    error_message = "Each function is told its release."
  }

  assert {
    condition     = google_pubsub_subscription_iam_member.workers["gpu-worker-canary"].subscription == "gpu-worker-canary"
    error_message = "The next release's workers may pull from their lane."
  }
}

run "without_a_rollout" {
  command = plan

  variables {
    images = {
      functions = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/functions@sha256:4444444444444444444444444444444444444444444444444444444444444444"
      gpu       = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    }
  }

  assert {
    condition     = google_cloud_run_v2_job.this["gpu-canary"].template[0].template[0].containers[0].image == var.images.gpu
    error_message = "At other times both jobs have the same image."
  }
}
