# What several files read: names, which processes there are, and what they are told.

locals {
  # cloud.google.com/run/docs/configuring/jobs/gpu, without asia-south1, which is by invitation only.
  l4_regions = ["asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east4"]

  # cloud.google.com/storage/docs/buckets#naming: a name with dots may be longer, each part of it not.
  bucket_name = "^(?:[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]|[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)+)$"

  # What stands in the code: topics, subscriptions, settings, the names of our own engines by their workers, and each hosted
  # engine's variable with the key, whose secret is NAME-api-key. `make generated` writes it.
  generated   = jsondecode(file("${path.module}/generated.json"))
  own         = local.generated.engines
  hosted_keys = local.generated.hosted_keys
  sizes       = { for name, one in local.generated.functions : name => { memory = "${one.memory_mib / 1024}Gi", concurrency = one.requests } }

  buckets = { for name, one in var.buckets : name => coalesce(one, "${var.project}-${name}") }

  # Without images there is a foundation and nothing that runs.
  runs = var.images != null

  # Own entrypoints are Cloud Run services, one account each. The subscription of its name feeds one; sweeper and guard
  # are called by Cloud Scheduler instead. Memory and requests at a time are those of shared/deployment_sizes.py, which says why.
  functions = {
    for name, one in merge(
      {
        router       = { source = "router", target = "on_upload" }
        requests     = { source = "router", target = "on_request" }
        merger       = { source = "merger", target = "on_chunk_done" }
        dead-letters = { source = "sweeper", target = "on_dead_letter" }
        sweeper      = { source = "sweeper", target = "on_tick", max_instances = 1, timeout = 1800 }
        guard        = { source = "guard", target = "on_tick", max_instances = 1 }
      },
      var.webhook == null ? {} : {
        webhooks        = { source = "webhooks", target = "on_transcript", memory = "1Gi" }
        webhooks-budget = { source = "webhooks", target = "on_budget", memory = "1Gi" }
      },
      { for name, one in var.hosted : name => {
        source = "hosted", target = "on_chunk", max_instances = one.max_instances
      } },
      ) : name => merge({
        concurrency   = 4
        max_instances = 10
        timeout       = 600
        # These look at which engines have a key, or use it.
        keys = contains(concat(["router", "requests", "sweeper"], keys(var.hosted)), name)
    }, try(local.sizes[name], {}), one)
    if local.runs
  }

  # These call the webhook URL, and do nothing else.
  tellers = ["webhooks", "webhooks-budget"]

  # The guard moves the traffic of all others, and does no step of a recording.
  guarded = toset(setsubtract(keys(local.functions), ["guard"]))
  apart   = concat(local.tellers, ["guard"])

  jobs = merge(
    # `make rollout` tries another image in a job of its own; at other times it has the same and stands still.
    local.runs && var.gpu != null ? {
      gpu        = merge(var.gpu, { image = var.images.gpu, engine = local.own.gpu, gpu = true, lane = "" })
      gpu-canary = merge(var.gpu, { image = coalesce(var.images.gpu_canary, var.images.gpu), engine = local.own.gpu, gpu = true, lane = "canary" })
    } : {},
    local.runs && var.cpu != null ? {
      cpu = merge(var.cpu, { image = var.images.cpu, engine = local.own.cpu, gpu = false, lane = "" })
    } : {},
  )

  # The name of a release is that of its image: the first twelve digits of the digest.
  release = local.runs ? { for one in toset(compact(values(var.images))) : one => substr(split("sha256:", one)[1], 0, 12) } : {}

  # These carry out the steps; the console looks at what they do, and asks them.
  steps     = concat(keys(local.functions), keys(local.jobs))
  processes = concat(local.steps, local.console ? ["console"] : [])

  engines = join(",", compact([var.gpu == null ? "" : local.own.gpu, var.cpu == null ? "" : local.own.cpu]))

  # One environment for all: a router that names other weights than the workers have would fail every chunk.
  environment = merge(
    {
      DROPSCRIBE_PLATFORM           = "google"
      GOOGLE_CLOUD_PROJECT          = var.project
      DROPSCRIBE_REGION             = var.region
      DROPSCRIBE_FIRESTORE_DATABASE = var.database.name
      DROPSCRIBE_AUDIO_BUCKET       = local.buckets.audio
      DROPSCRIBE_TRANSCRIPTS_BUCKET = local.buckets.transcripts
      DROPSCRIBE_WORK_BUCKET        = local.buckets.work
      DROPSCRIBE_REQUEST_BUCKETS    = join(",", concat([local.buckets.audio], sort(var.source_buckets)))
      PARAKEET_MODEL_NAME           = var.model
    },
    # A hosted engine counts where its key is.
    local.engines == "" ? {} : { DROPSCRIBE_ENGINES = local.engines },
    var.gpu == null ? {} : {
      DROPSCRIBE_GPU_JOB        = "dropscribe-gpu"
      DROPSCRIBE_GPU_MAX_TASKS  = tostring(var.gpu.max_tasks)
      DROPSCRIBE_GPU_VCPUS      = tostring(var.gpu.vcpus)
      DROPSCRIBE_GPU_MEMORY_GIB = tostring(var.gpu.memory_gib)
    },
    var.cpu == null ? {} : {
      DROPSCRIBE_CPU_JOB        = "dropscribe-cpu"
      DROPSCRIBE_CPU_MAX_TASKS  = tostring(var.cpu.max_tasks)
      DROPSCRIBE_CPU_VCPUS      = tostring(var.cpu.vcpus)
      DROPSCRIBE_CPU_MEMORY_GIB = tostring(var.cpu.memory_gib)
    },
    var.settings,
  )

  # Settings that `settings` may hold: all of docs/settings.md but those above, keys, and what only one machine has.
  setting_names = local.generated.settings
}
