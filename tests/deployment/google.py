"""Google's interfaces as far as the commands use them: they hold state, refuse what the real ones refuse, and count."""

from __future__ import annotations

import base64
import json
import re
from functools import partial
from urllib.parse import unquote

from google.cloud import run_v2

from deployment.api import Api
from deployment.quotas import CPU, L4, MEMORY
from deployment.target import Target
from shared.errors import ConfigurationError

TARGET = Target(project="my-project", region="europe-west4")


def digest(name, number):
    return f"europe-west4-docker.pkg.dev/my-project/dropscribe/{name}@sha256:{number:012x}{0:052x}"


def json_text(body):
    return json.dumps(body)


class Answer:
    def __init__(self, body=None, status=200):
        self.status_code, self._body = status, body
        self.content = b"" if body is None else json.dumps(body).encode()
        self.text = self.content.decode()

    @property
    def ok(self):
        return self.status_code < 400

    def json(self):
        return json.loads(self.content)


def no(status, message, reason=""):
    details = [{"reason": reason}] if reason else []
    return Answer({"error": {"code": status, "message": message, "details": details}}, status)


class Killed(BaseException):
    """The process is gone."""


class Killer:
    """Ends the process before or after one of its effects."""

    def __init__(self):
        self.count, self.at, self.after = 0, None, False

    def effect(self, how):
        self.count += 1
        hit = self.count == self.at
        if hit and not self.after:
            raise Killed
        result = how()
        if hit:
            raise Killed
        return result


class Google:
    """A session of `Api`. Each attribute is what a test may change."""

    def __init__(self, target=TARGET):
        self.target, self.killer, self.log = target, Killer(), []
        self.project = {"name": "projects/123456/services/run.googleapis.com"}
        self.billing, self.denied, self.off, self.disabled = True, set(), set(), set()
        self.quotas = {L4: 3, CPU: 100_000, MEMORY: 100 * 2**30}
        self.locations = ["europe-west4", "us-central1", "asia-south1", "europe-north1"]
        self.database, self.buckets, self.agents = None, {}, set()
        self.services, self.jobs, self.executions = {}, {}, {}
        self.series, self.secrets, self.tags, self.builds, self.objects = {}, {}, {}, {}, {}
        self.broken_images, self.failing_checks, self.unbuildable = set(), False, False
        self.laid_secrets, self.down = set(), 0

    def api(self):
        return Api(self.target.project, session=self, sleep=lambda _: None)

    def request(self, method, url, json=None, params=None, data=None, timeout=None, headers=None):
        assert timeout
        assert headers == {"x-goog-user-project": self.target.project}
        path = url.removeprefix("https://")
        if self.down:
            self.down -= 1
            return no(503, "try later")
        for pattern, name in ROUTES:
            if found := re.fullmatch(pattern, path.partition("?")[0]):
                handler = getattr(self, f"{method.lower()}_{name}")
                if path.partition(".")[0] in self.disabled:
                    return no(403, "it is disabled", "SERVICE_DISABLED")
                arguments = (*found.groups(), json if data is None else data, params or {}, path)
                if method == "GET" or name == "permissions":
                    return handler(*arguments)
                self.log.append(f"{method} {path.partition('?')[0]}")
                return self.killer.effect(partial(handler, *arguments))
        raise AssertionError(f"nobody answers {method} {path}")

    # --- the project ---

    def get_project(self, *_):
        return Answer(self.project) if self.project else no(403, "not there, or not allowed")

    def post_permissions(self, body, *_):
        return Answer({"permissions": [one for one in body["permissions"] if one not in self.denied]})

    def get_billing(self, *_):
        return Answer({"billingEnabled": self.billing})

    def get_enabled(self, body, params, path):
        names = re.findall(r"names=([^&]+)", path)
        states = [
            {"name": one, "state": "DISABLED" if one.rpartition("/")[2].partition(".")[0] in self.off else "ENABLED"}
            for one in names
        ]  # fmt: skip
        return Answer({"services": states})

    def post_enable(self, body, *_):
        on = {one.partition(".")[0] for one in body["serviceIds"]}
        self.off, self.disabled = self.off - on, self.disabled - on
        return Answer({"name": "operations/enable", "done": True})

    def post_identity(self, service, *_):
        self.agents.add(service)
        return Answer({"name": "operations/identity", "done": True})

    def get_quotas(self, *_):
        region = self.target.region
        infos = [
            {
                "quotaId": name,
                "dimensionsInfos": [
                    {"details": {"value": "0"}},
                    {
                        "dimensions": {"region": region},
                        "details": {"value": str(value)},
                        "applicableLocations": [region],
                    },
                ],
            }
            for name, value in self.quotas.items()
        ]
        return Answer({"quotaInfos": infos})

    def get_locations(self, *_):
        return Answer({"locations": [{"locationId": one} for one in self.locations]})

    def get_database(self, *_):
        return Answer(self.database) if self.database else no(404, "no database")

    # --- storage ---

    def get_bucket(self, name, *_):
        found = self.buckets.get(name)
        if found == "taken":
            return no(403, "does not have storage.buckets.get access")
        return Answer(found) if found else no(404, "no such bucket")

    def get_object(self, bucket, name, *_):
        found = self.objects.get((bucket, unquote(name)))
        return no(404, "no such object") if found is None else Answer(found)

    def post_buckets(self, body, *_):
        if body["name"] in self.buckets:
            return no(409, "you already own this bucket")
        self.buckets[body["name"]] = {**body, "projectNumber": "123456"}
        return Answer(self.buckets[body["name"]])

    def post_upload(self, bucket, body, params, _):
        self.objects[bucket, params["name"]] = body
        return Answer({"name": params["name"]})

    def post_signed(self, account, body, *_):
        if "iam.serviceAccounts.signJwt" in self.denied:
            return no(403, "Permission 'iam.serviceAccounts.signJwt' denied")
        assert body.keys() == {"payload"}
        claims = json.loads(body["payload"])
        assert {claims["iss"], claims["sub"]} == {account}
        return Answer({"keyId": "1", "signedJwt": f"{account} for {claims['aud']} until {claims['exp']}"})

    # --- secrets, images ---

    def get_named_secret(self, name, *_):
        return Answer({"name": name}) if name in self.laid_secrets else no(404, "no such secret")

    def get_secret(self, name, *_):
        return Answer({"state": "ENABLED"}) if self.secrets.get(name) else no(404, "no version")

    def post_secret(self, name, body, *_):
        if name not in self.laid_secrets:
            return no(404, "no such secret")
        self.secrets[name] = base64.b64decode(body["payload"]["data"]).decode()
        return Answer({"name": "versions/1"})

    def get_tag(self, image, tag, *_):
        found = self.tags.get((image, tag))
        return Answer({"version": f"…/versions/{found}"}) if found else no(404, "no such tag")

    def post_builds(self, body, *_):
        number = len(self.builds) + 1
        self.builds[str(number)] = body
        if not self.unbuildable:
            tag = body["substitutions"]["_TAG"]
            for name in self.target.images:
                self.tags[name, tag] = f"sha256:{int(tag, 16) % 10**9 + len(name):064x}"
        return Answer({"name": "operations/build", "metadata": {"build": {"id": str(number)}}})

    def get_build(self, number, *_):
        status = "FAILURE" if self.unbuildable else "SUCCESS"
        return Answer({"status": status, "logUrl": f"https://console/{number}"})

    # --- Cloud Run ---

    def lay(self, images, canary):
        """As Terraform does: an image that differs makes a new revision, which is ready unless it is broken."""
        for name in self.target.services:
            self.killer.effect(lambda name=name: self._lay_service(name, images.functions))
        wanted = {"dropscribe-gpu": images.gpu, "dropscribe-gpu-canary": canary, "dropscribe-cpu": images.cpu}
        for name, image in wanted.items():
            if image:
                self.killer.effect(lambda name=name, image=image: self.jobs.__setitem__(name, image))

        if images.console:
            self.killer.effect(lambda: self._lay_service("dropscribe-console", images.console))

    def _lay_service(self, name, image):
        one = self.services.setdefault(name, {"image": "", "number": 0, "ready": "", "traffic": {"": 100}})
        if one["image"] != image:
            one["image"], one["number"] = image, one["number"] + 1
            if image in self.broken_images:
                raise ConfigurationError("terraform apply failed")
            one["ready"] = f"{name}-{one['number']:05d}"

    def get_service(self, name, *_):
        if name not in self.services:
            return no(404, "no such service")
        one, full = self.services[name], f"projects/p/locations/r/services/{name}/revisions/"
        traffic = [
            {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": revision, "percent": percent}
            if revision
            else {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": percent}
            for revision, percent in one["traffic"].items()
        ]
        return Answer(
            {
                "template": {"containers": [{"image": one["image"]}]},
                "latestCreatedRevision": f"{full}{name}-{one['number']:05d}",
                "latestReadyRevision": full + one["ready"] if one["ready"] else "",
                "traffic": traffic,
                "uri": f"https://{name}.run.app",
            }
        )

    def patch_service(self, name, body, params, _):
        assert params == {"updateMask": "traffic"}
        run_v2.Service.from_json(json_text(body))  # refuses names that Cloud Run does not know
        assert sum(one["percent"] for one in body["traffic"]) == 100
        self.services[name]["traffic"] = {one.get("revision", ""): one["percent"] for one in body["traffic"]}
        return Answer({"name": "operations/traffic", "done": True})

    def get_job(self, name, *_):
        if name not in self.jobs:
            return no(404, "no such job")
        return Answer({"template": {"template": {"containers": [{"image": self.jobs[name]}]}}})

    def post_run(self, name, body, *_):
        run_v2.RunJobRequest.from_json(json_text(body))
        execution = f"projects/p/locations/r/jobs/{name}/executions/{name}-{len(self.executions)}"
        self.executions[execution] = {"name": execution, "overrides": body["overrides"]}
        return Answer({"name": "operations/run", "metadata": {"name": execution}})

    def get_executions(self, name, *_):
        return Answer(
            {"executions": [one for key, one in self.executions.items() if f"/jobs/{name}/" in key]}
        )

    def get_execution(self, name, *_):
        count = {"failedCount": 1} if self.failing_checks else {"succeededCount": 1}
        return Answer({**self.executions[name], "completionTime": "2026-11-29T00:00:00Z", **count})

    def post_cancel(self, name, *_):
        self.executions[name]["completionTime"] = "2026-11-29T00:00:00Z"
        return Answer({"name": "operations/cancel", "done": True})

    def get_series(self, body, params, _):
        metric = re.search(r"run\.googleapis\.com/([\w/]+)", params["filter"])[1]
        revisions = re.findall(r"one_of\((.*)\)", params["filter"])[0].replace('"', "").split(", ")
        label = params["aggregation.groupByFields"].rpartition(".")[2]
        counted = {}
        for (name, revision, value), count in self.series.items():
            if name == metric and revision in revisions:
                counted[value] = counted.get(value, 0) + count
        return Answer(
            {
                "timeSeries": [
                    {"metric": {"labels": {label: value}}, "points": [{"value": {"int64Value": str(count)}}]}
                    for value, count in counted.items()
                ]
            }
        )


RUN = r"run\.googleapis\.com/v2/projects/my-project/locations/[\w-]+"
ROUTES = [
    (r"serviceusage\.googleapis\.com/v1/projects/my-project/services/run.googleapis.com", "project"),
    (r"cloudresourcemanager\.googleapis\.com/v3/projects/my-project:testIamPermissions", "permissions"),
    (r"cloudbilling\.googleapis\.com/v1/projects/my-project/billingInfo", "billing"),
    (r"serviceusage\.googleapis\.com/v1/projects/my-project/services:batchGet", "enabled"),
    (r"serviceusage\.googleapis\.com/v1/projects/my-project/services:batchEnable", "enable"),
    (
        r"serviceusage\.googleapis\.com/v1beta1/projects/my-project/services/([\w.]+):generateServiceIdentity",
        "identity",
    ),
    (
        r"cloudquotas\.googleapis\.com/v1/projects/my-project/locations/global/services/run.googleapis.com/quotaInfos",
        "quotas",
    ),
    (r"run\.googleapis\.com/v1/projects/my-project/locations", "locations"),
    (r"firestore\.googleapis\.com/v1/projects/my-project/databases/(?:[\w()-]+)", "database"),
    (r"storage\.googleapis\.com/storage/v1/b/([\w-]+)", "bucket"),
    (r"storage\.googleapis\.com/storage/v1/b/([\w-]+)/o/([^/]+)", "object"),
    (r"storage\.googleapis\.com/storage/v1/b", "buckets"),
    (r"storage\.googleapis\.com/upload/storage/v1/b/([\w-]+)/o", "upload"),
    (r"secretmanager\.googleapis\.com/v1/projects/my-project/secrets/([\w-]+)", "named_secret"),
    (r"secretmanager\.googleapis\.com/v1/projects/my-project/secrets/([\w-]+)/versions/latest", "secret"),
    (r"secretmanager\.googleapis\.com/v1/projects/my-project/secrets/([\w-]+):addVersion", "secret"),
    (
        r"artifactregistry\.googleapis\.com/v1/projects/my-project/locations/[\w-]+/repositories/dropscribe/packages/(\w+)/tags/(\w+)",
        "tag",
    ),
    (r"cloudbuild\.googleapis\.com/v1/projects/my-project/locations/[\w-]+/builds", "builds"),
    (r"cloudbuild\.googleapis\.com/v1/projects/my-project/locations/[\w-]+/builds/(\d+)", "build"),
    (r"iamcredentials\.googleapis\.com/v1/projects/-/serviceAccounts/([^/:]+):signJwt", "signed"),
    (RUN + r"/services/([\w-]+)", "service"),
    (RUN + r"/jobs/([\w-]+)", "job"),
    (RUN + r"/jobs/([\w-]+):run", "run"),
    (RUN + r"/jobs/([\w-]+)/executions", "executions"),
    (r"run\.googleapis\.com/v2/(projects/p/locations/r/jobs/[\w-]+/executions/[\w-]+)", "execution"),
    (r"run\.googleapis\.com/v2/(projects/p/locations/r/jobs/[\w-]+/executions/[\w-]+):cancel", "cancel"),
    (r"monitoring\.googleapis\.com/v3/projects/my-project/timeSeries", "series"),
]
"""Addresses by the names of their handlers."""
