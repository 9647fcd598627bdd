"""From an empty Google Cloud project to a deployment, and from one release to the next.

    target      what is deployed where: project, region, Terraform's variables
    preflight   what a project lacks, and how to fix it           quotas: of a region
    apis        Google's services: which are off, enabling them
    source      the sources as an archive, named by their content
    build       images by Cloud Build, as digests
    plans       terraform: plan, apply, outputs
    deploy      all of it in order; a second run changes nothing
    smoke       an upload becomes a transcript, and the GPU works
    rollout/    the next release takes over step by step, or goes back automatically

Everything talks to Google through `api.Api`, so one fake of it drives every test. Read `deploy.py` first.

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
