"""Visits: a kernel learns whose it is, there is room for so many, and nobody has another's."""

from __future__ import annotations

import asyncio

import pytest

from nbregistry.browser.identity import Role, Visitor
from nbregistry.browser.visits import Visit, Visits
from nbregistry.errors import Overloaded

ANA, EVE = Visitor("ana", Role.APPROVER, "user:ana"), Visitor("eve", Role.READER, "user:eve")


def test_a_kernel_of_the_pool_waits() -> None:
    """It asks before anybody comes, and is answered when somebody does."""

    async def story() -> None:
        visits = Visits(2)
        asking = asyncio.create_task(visits.wait("k1"))
        await asyncio.sleep(0)
        assert not asking.done()
        visits.reserve()
        visits.begin("k1", Visit(ANA, "model=churn"))
        assert {"user": "ana", "role": "approver", "query": "model=churn", "own": True} == await asking

    asyncio.run(story())


def test_a_kernel_that_is_gone_is_told_so() -> None:
    """Who waits for a visit of a kernel that ends is let go."""

    async def story() -> None:
        visits = Visits(2)
        asking = asyncio.create_task(visits.wait("k1"))
        await asyncio.sleep(0)
        visits.end("k1")
        assert None is await asking

    asyncio.run(story())


def test_room() -> None:
    """Places that are held count as those that are taken; each is free again however the visit went."""
    visits = Visits(2)
    visits.reserve()
    visits.reserve()
    with pytest.raises(Overloaded):
        visits.reserve()
    visits.release()
    visits.begin("k1", Visit(ANA, ""))
    assert 1 == len(visits)
    visits.reserve()
    visits.begin("k2", Visit(EVE, ""))
    with pytest.raises(Overloaded):
        visits.reserve()
    visits.end("k1")
    visits.end("k1")
    assert 1 == len(visits)


def test_whose_is_whose() -> None:
    """A kernel is its visitor's; nobody's kernel is nobody's."""
    visits = Visits(2)
    visits.reserve()
    visits.begin("k1", Visit(ANA, ""))
    assert [True, False, False, False] == [
        visits.owned("k1", ANA), visits.owned("k1", EVE), visits.owned("k1", None), visits.owned("k2", ANA)
    ]  # fmt: skip


def test_who_is_there() -> None:
    """A page is there from its word on until it goes; one that breaks off before it never was."""
    visits, heard = begun("k1"), list[str]()
    one, other = (lambda: heard.append("one"), lambda: heard.append("other"))
    visits.drop("k1", one)
    assert not visits.held("k1")
    visits.hold("k1", one)
    assert visits.held("k1")
    visits.hold("k1", other)
    visits.drop("k1", one)
    visits.drop("k1", one)
    assert visits.held("k1")
    visits.drop("k1", other)
    assert (False, []) == (visits.held("k1"), heard)


def begun(*kernels: str) -> Visits:
    """Return visits of which some are under way."""
    visits = Visits(len(kernels))
    for kernel in kernels:
        visits.reserve()
        visits.begin(kernel, Visit(ANA, ""))
    return visits


def test_a_page_hears_that_its_kernel_has_gone() -> None:
    """Each page is told once, one that says too late that it is there as well; in any order nothing is left of it."""
    heard: list[str] = []
    visits = begun("k1", "k2")
    one, late = (lambda: heard.append("one"), lambda: heard.append("late"))
    visits.hold("k1", one)
    visits.end("k1")
    visits.drop("k1", one)
    visits.hold("k1", late)
    visits.drop("k1", late)
    visits.hold("k2", one)
    visits.drop("k2", one)
    visits.end("k2")
    assert (["one", "late"], {}, 0) == (heard, visits._here, len(visits))
