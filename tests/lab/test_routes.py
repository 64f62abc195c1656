"""What the sidebar asks is answered, and what the user changes is changed, with the words of the registry's errors."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from nbregistry.domain.results import Card
from nbregistry.lab import asking, route
from nbregistry.lab.page import POLICY
from nbregistry.registry import Registry
from tests.lab.conftest import Ask, Fetch


async def test_models_are_listed_filtered_and_paged(registry: Registry, ask: Ask) -> None:
    """Each model comes with its stages, aliases, newest metric and the reference to load; a page is a page."""
    found = (await ask("models")).told
    churn, ltv = found["models"]
    assert (2, "churn", {"Production": 1}, {"champion": 2}) == (
        found["total"], churn["name"], churn["stages"], churn["aliases"],
    )  # fmt: skip
    assert ("auc", "0.97", "churn@champion", "ltv/1") == (churn["metric"], churn["value"], churn["load"], ltv["load"])
    for words, names in (("CHURN", ["churn"]), ("@champ production", ["churn"]), ("lt", ["ltv"]), ("churn zzz", [])):
        assert names == [m["name"] for m in (await ask("models", filter=words)).told["models"]]
    second = (await ask("models", limit=1, offset=1)).told
    assert (2, ["ltv"]) == (second["total"], [m["name"] for m in second["models"]])


async def test_one_model_its_versions_and_one_version(registry: Registry, ask: Ask) -> None:
    """Versions come newest first, their metric the same for all; one version tells everything."""
    assert "churn" == (await ask("model", name="churn")).told["model"]["name"]
    found = (await ask("versions", name="churn", limit=2)).told
    assert (3, [3, 2]) == (found["total"], [v["number"] for v in found["versions"]])
    assert [("auc", "0.97"), ("auc", "0.95")] == [(v["metric"], v["value"]) for v in found["versions"]]
    version = (await ask("version", ref="churn@champion")).told["version"]
    assert ("churn/2", {"team": "risk"}) == (version["ref"], version["tags"])


async def test_card_is_data_and_drawn(registry: Registry, ask: Ask) -> None:
    """The card holds the version, the one before it, and the element that every other surface shows."""
    found = (await ask("card", ref="churn/2")).told
    assert ("churn/2", "churn/1") == (found["version"]["ref"], found["previous"]["ref"])
    assert found["html"].startswith('<div class="nbr nbr-card')


async def test_search_takes_the_language_and_says_what_is_wrong(registry: Registry, ask: Ask) -> None:
    """A filter finds versions over all models, in order and in pages; a fault in it is told with its place."""
    first = (await ask("search", filter="metrics.auc > 0.9", order_by="metrics.auc DESC", limit=1)).told
    assert ["churn/3"] == [v["ref"] for v in first["versions"]]
    rest = await ask("search", filter="metrics.auc > 0.9", order_by="metrics.auc DESC", cursor=first["cursor"])
    assert ["churn/2"] == [v["ref"] for v in rest.told["versions"]]
    wrong = await ask("search", filter="metrics.auc >")
    assert (400, "InvalidFilter") == (wrong.status, wrong.told["error"])
    assert "^" in wrong.told["message"]


async def test_events_follow_the_ledger(registry: Registry, ask: Ask) -> None:
    """Who waits hears of a change elsewhere at once, with who, what and why; who is too far behind is told so."""
    start = (await ask("events")).told
    assert start["missed"]  # events of before the first look are not remembered
    waiting = asyncio.ensure_future(ask("events", since=start["seq"], wait=20))
    await asyncio.sleep(0.1)
    elsewhere = Registry(registry.settings.uri, user="ben")
    await asyncio.get_running_loop().run_in_executor(None, lambda: elsewhere.annotate("churn/1", "hm", kind="note"))
    news = (await asyncio.wait_for(waiting, 20)).told
    assert (start["seq"] + 1, False) == (news["seq"], news["missed"])
    assert [("annotate", "churn/1", "ben")] == [(e["action"], e["target"], e["user"]) for e in news["events"]]
    assert [] == (await ask("events", since=news["seq"])).told["events"]
    assert (await ask("events", since=news["seq"] + 5)).told["missed"]


async def test_waiting_ends(registry: Registry, ask: Ask) -> None:
    """Who waits for nothing is answered when the time is over."""
    seq = (await ask("events")).told["seq"]
    assert (seq, []) == ((found := (await ask("events", since=seq, wait=0.3)).told)["seq"], found["events"])


async def test_promotion_is_compare_and_set(registry: Registry, ask: Ask) -> None:
    """A promotion says whom it replaces: on what is shown no more, it is refused with 409 and changes nothing."""
    asked = {"ref": "churn/2", "stage": "production", "because": "better", "expect": "churn/1"}
    done = await ask("promote", asked)
    assert (200, "churn/1") == (done.status, done.told["promotion"]["replaced"])
    late = await ask("promote", {**asked, "ref": "churn/3"})
    assert (409, "Conflict") == (late.status, late.told["error"])
    assert "churn/2" in late.told["message"]
    assert "Production" == registry.version("churn/2").stage.value
    silent = await ask("promote", {k: v for k, v in asked.items() if k != "expect"})
    assert (400, "`expect` missing") == (silent.status, silent.told["message"].partition(":")[0])
    assert 409 == (await ask("promote", {**asked, "expect": None})).status
    undo = {"name": "churn", "stage": "Production", "because": "worse"}
    assert 400 == (await ask("rollback", undo)).status
    assert 409 == (await ask("rollback", {**undo, "expect": "churn/1"})).status
    assert "Production" == registry.version("churn/2").stage.value
    back = await ask("rollback", {**undo, "expect": "churn/2"})
    assert "churn/1" == back.told["promotion"]["ref"]


async def test_notes_aliases_and_tags(registry: Registry, ask: Ask) -> None:
    """What the user writes is in the registry, in the user's name; a moved alias is compared first."""
    note = (await ask("annotate", {"ref": "churn/2", "text": "look", "kind": "decision"})).told["annotation"]
    assert ("ana", "decision") == (note["author"], registry.annotations("churn/2")[0].kind.value)
    assert 409 == (await ask("alias", {"ref": "churn/3", "alias": "champion", "expect": "churn/1"})).status
    moved = await ask("alias", {"ref": "churn/3", "alias": "champion", "expect": "churn/2"})
    assert ["champion"] == moved.told["version"]["aliases"]
    assert 200 == (await ask("unalias", {"name": "churn", "alias": "champion"})).status
    assert {"n": 1} == (await ask("tag", {"ref": "churn/1", "tags": {"n": 1}})).told["changed"]["tags"]
    assert {} == (await ask("untag", {"ref": "churn/1", "names": ["n"]})).told["changed"]["tags"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("promote", [], "object"),
        ("tag", {"ref": "churn/1", "tags": []}, "an object is expected"),
        ("tag", {"ref": "churn/1", "tags": {"a": 1}, "rf": 1}, "`rf` cannot be meant"),
        ("annotate", {"ref": "churn/1", "text": "x", "reply_to": True}, "whole number or null"),
        ("untag", {"ref": "churn/1", "names": [1]}, "list of texts"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    path: str, body: object, said: str, registry: Registry, ask: Ask
) -> None:
    """A body with a wrong, a missing or an unknown field changes nothing and says what to send."""
    before = registry.core.view().seq
    found = await ask(path, body)
    assert (400, "InvalidInput") == (found.status, found.told["error"])
    assert said in found.told["message"]
    assert before == registry.core.view().seq


async def test_errors_carry_their_status_and_words(registry: Registry, ask: Ask) -> None:
    """What is not there is 404 with the nearest name; a number that is none, a route that is none, a wrong method."""
    missing = await ask("model", name="chrun")
    assert (404, "NotFound") == (missing.status, missing.told["error"])
    assert "did you mean 'churn'" in missing.told["message"]
    assert (400, 400) == ((await ask("models", limit="x")).status, (await ask("models", limit=0)).status)
    assert (404, "NotFound") == ((nothing := await ask("nothing")).status, nothing.told["error"])
    assert (405, "POST") == ((wrong := await ask("promote")).status, wrong.headers["Allow"])


async def test_place_tells_where_and_who(registry: Registry, jp_root_dir: Path, ask: Ask) -> None:
    """The sidebar can say which registry it shows; a folder without one has none, and looking makes none."""
    found = (await ask("place")).told
    assert (registry.settings.uri, "found", True, "ana") == (
        found["uri"], found["origin"], found["exists"], found["user"],
    )  # fmt: skip
    registry.close()
    for file in jp_root_dir.joinpath(".nbregistry").rglob("*"):
        assert file.name != "lab"
    assert re.fullmatch(r"[0-9a-z]+", found["store"])


async def test_browser_pages_are_drawn_without_a_kernel(registry: Registry, jp_fetch: Fetch, jp_root_dir: Path) -> None:
    """Each address of the registry browser is a page in the theme asked for, which may run and fetch nothing."""
    jp_root_dir.joinpath("deep er").mkdir()
    before = registry.core.view().seq
    for query, seen in (
        ({}, "ltv"),
        ({"model": "churn"}, "In production"),
        ({"model": "churn", "version": "2"}, "risk"),
    ):
        for path in (["light"], ["dark", "deep er"]):
            got = await jp_fetch("nbregistry", "browser", *path, params=query)
            text = got.body.decode()
            assert f'data-theme="{path[0]}"' in text
            assert seen in text
            assert [] == re.findall(r"<script|<link|src=|https?:", text)
            assert POLICY == got.headers["Content-Security-Policy"]
            style, _, body = text.partition("</style>")
            parts = {"nbr-top", "nbr-crumbs", "nbr-search", "nbr-tabs", "nbr-views", "nbr-view"}
            assert set() == {part for part in parts if f".{part}" not in style or f'class="{part}' not in body}
            assert "--nbr-page: #ffffff" in style  # the colours that the dark theme sets anew are called so
    assert "default-src 'none'" in POLICY
    assert "script" not in POLICY
    hostile = (await jp_fetch("nbregistry", "browser", "light", params={"model": "<b>"})).body.decode()
    assert "<b>" not in hostile
    assert "&lt;b&gt;" in hostile
    assert before == registry.core.view().seq


async def test_a_slow_disk_holds_up_nobody_else(registry: Registry, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one answer waits for its files, the server's loop goes on and others are answered."""
    free = threading.Event()

    def waits(registry: Registry, card: Card) -> Card:
        assert free.wait(30)
        return card

    monkeypatch.setattr(asking, "proven", waits)
    slow = asyncio.ensure_future(ask("card", ref="churn/1"))
    assert 200 == (await asyncio.wait_for(ask("models"), 20)).status
    assert not slow.done()
    free.set()
    assert 200 == (await slow).status


async def test_only_what_a_person_asks_counts_as_use(
    registry: Registry, ask: Ask, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sidebar that waits does not keep an idle server from being culled; and too many that wait do not wait."""
    seq = (await ask("events")).told["seq"]
    before = jp_serverapp.web_app.settings.get("api_last_activity")
    monkeypatch.setattr(route, "MOST_WAITING", 0)
    started = time.monotonic()
    await ask("events", since=seq, wait=20)
    assert time.monotonic() - started < 15
    assert before == jp_serverapp.web_app.settings.get("api_last_activity")
    await ask("models")
    assert before != jp_serverapp.web_app.settings.get("api_last_activity")
