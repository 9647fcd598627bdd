"""Names, words, speakers and reasons are text, whatever is in them."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.page.fake import words_of
from tests.console.page.stories import costs

CORPUS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</title><svg/onload=alert(1)>",
    "\"><iframe srcdoc='<script>alert(1)</script>'>",
    "javascript:alert(1)//",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "`-alert(1)-`",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;img src=x onerror=alert(1)&gt;",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "\u202eexe.3pm\u202c",
    "x" * 1000,
)
ALL = " ".join(CORPUS)


def test_nothing_that_a_recording_says_runs(open_page, fake):
    answer = words_of([(index % 2, one) for index, one in enumerate(CORPUS)], speakers=[CORPUS[0], CORPUS[1]])
    for number, name in enumerate(CORPUS):
        fake.add(f"n{number}", name, label=name[:64], state="FAILED", reason=name, method=name[:20])
    attempt = {
        "chunk": 0,
        "engine": CORPUS[0],
        "started": 1.0,
        "seconds": 1.0,
        "usd": 0.0,
        "outcome": ALL,
        "note": ALL,
        "wasted": True,
    }
    detail = {
        "why": ALL,
        "considered": [{"method": CORPUS[0], "usd": 0.0, "wait": 1.0, "score": 0.0, "why_not": ALL}],
        "warnings": list(CORPUS),
        "attempts": [attempt],
        "revisions": [{"number": 1, "author": CORPUS[0], "created": 1.0, "note": ALL}],
    }
    fake.add("one", CORPUS[0], answer, detail=detail, warnings=3, language=CORPUS[1])
    fake.letters = [
        {"id": CORPUS[0], "topic": CORPUS[1], "reason": ALL, "published": 1.0, "data_preview": ALL}
    ]
    fake.workers = [{"pool": CORPUS[0], "status": CORPUS[1], "reason": ALL}]
    fake.hits = [
        {"recording": "one", "name": CORPUS[0], "start": 1, "snippet": [[one, True] for one in CORPUS]}
    ]
    fake.costs = costs() | {
        "by": CORPUS[0],
        "prices": CORPUS[1],
        "advice": [{"text": ALL, "usd_per_month": 1.0}],
    }
    fake.costs["groups"] = [one | {"name": CORPUS[0]} for one in fake.costs["groups"]]
    page = open_page(viewport={"width": 360, "height": 740})
    places = {
        "/": CORPUS[0],
        "/recordings/one": CORPUS[0],
        "/costs": "Costs",
        "/trouble": CORPUS[1],
        "/search?q=%3Cimg%20src=x%3E": CORPUS[0],
    }
    for path, seen in places.items():
        page.goto(path)
        expect(page.locator("main").get_by_text(seen).first).to_be_visible()
        page.wait_for_timeout(50)
        assert page.locator("main img, main iframe, main script, main svg").count() == 0
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360, path


def test_words_are_shown_as_they_are(open_page, fake):
    fake.add("one", "one.mp3", words_of([(0, one) for one in CORPUS], speakers=[CORPUS[0]]))
    page = open_page("/recordings/one")
    expect(page.locator(".paragraph")).to_have_count(len(CORPUS))
    assert page.locator(".paragraph > p").evaluate_all("all => all.map(one => one.textContent)") == [
        " ".join(one.split()) for one in CORPUS
    ]
    expect(page.locator(".paragraph .speaker").first).to_have_text(CORPUS[0])
    field = page.get_by_label("Search in this recording")
    for text in (CORPUS[0], CORPUS[5], "[(*+?^$.|\\"):
        field.fill(text)
        expect(page.locator(".find [role=status]")).to_have_text(
            "not found" if text.startswith("[") else "1 found"
        )


def test_a_file_with_a_hostile_name_is_quoted_and_uploaded(open_page, fake):
    page = open_page()
    page.locator("#chooser").set_input_files(
        [{"name": CORPUS[0], "mimeType": "text/html", "buffer": b"<script>alert(1)</script>"}]
    )
    fake.quote = {"sentence": ALL}
    page.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_role("region", name="Uploads")).to_contain_text(CORPUS[0])
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()


def test_an_answer_that_is_no_json_ends_in_a_sentence(open_page, fake):
    fake.add("one", "one.mp3", words_of(["a"]))
    page = open_page("/trouble")
    page.route(
        "**/api/v1/costs*",
        lambda route: route.fulfill(status=502, content_type="text/html", body="<b>Bad gateway"),
    )
    page.get_by_role("link", name="Costs").click()
    expect(page.get_by_role("alert")).to_contain_text("status 502")
