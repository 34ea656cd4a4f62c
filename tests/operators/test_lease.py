"""Leader election: two candidates on clocks of our own, and every way to lose a lease."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from controllers.plan import Resource
from operators.runtime.access import DEADLINE, FencedGateway
from operators.runtime.errors import Fenced, Forbidden, Unavailable
from operators.runtime.lease import DURATION, LEASES, RENEW_DEADLINE, Elector, LeaseLostError
from operators.runtime.objects import Key
from operators.runtime.telemetry import Telemetry
from tests.operators.double import Double

KEY = Key("home", "modelyard")
MAPS = Resource("", "v1", "configmaps", "ConfigMap")


class Candidate:
    """An elector with a clock that a test moves; the wall clock plays no part."""

    def __init__(self, server: Double, name: str, now: float = 0.0) -> None:
        self.now = now
        self.elector = Elector(
            server, "home", "modelyard", name, clock=lambda: self.now, sleep=self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds

    async def tries(self, seconds: float = 0.0) -> bool:
        self.now += seconds
        return await self.elector._attempt()

    @property
    def left(self) -> float:
        return self.elector.remaining()


def _story(act: Callable[[Double], Awaitable[None]]) -> None:
    server = Double()
    server.serve(LEASES)
    asyncio.run(_run(act, server))


async def _run(act: Callable[[Double], Awaitable[None]], server: Double) -> None:
    await act(server)


def _holder(server: Double) -> str:
    return str(server.objects[LEASES][KEY]["spec"]["holderIdentity"])


def test_the_first_gets_it_and_the_second_waits_while_it_is_renewed() -> None:
    async def act(server: Double) -> None:
        first, second = Candidate(server, "a"), Candidate(server, "b", now=9e6)
        assert await first.tries()
        for _ in range(30):
            assert await first.tries(2.0)
            assert not await second.tries(2.0)
            assert first.left == DURATION
            assert second.left == 0.0

    _story(act)


def test_a_holder_that_died_is_followed_after_its_duration_by_the_standbys_own_clock() -> None:
    async def act(server: Double) -> None:
        first, second = Candidate(server, "a"), Candidate(server, "b", now=-500.0)
        assert await first.tries()
        assert not await second.tries()
        assert not await second.tries(DURATION - 0.1)
        assert await second.tries(0.2)
        spec = server.objects[LEASES][KEY]["spec"]
        assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("b", 1)

    _story(act)


def test_a_wall_clock_in_the_lease_that_is_years_off_changes_nothing() -> None:
    async def act(server: Double) -> None:
        first, second = Candidate(server, "a"), Candidate(server, "b")
        assert await first.tries()
        server.edit(LEASES, KEY, {"spec": {"renewTime": "1999-01-01T00:00:00.000000Z"}})
        assert not await second.tries()
        assert not await second.tries(DURATION - 1)

    _story(act)


def test_a_released_lease_is_taken_at_once() -> None:
    async def act(server: Double) -> None:
        first, second = Candidate(server, "a"), Candidate(server, "b")
        assert await first.tries()
        await first.elector.release()
        assert first.left == 0.0
        assert await second.tries()

    _story(act)


def test_a_release_after_a_renewal_whose_answer_was_lost_still_releases() -> None:
    async def act(server: Double) -> None:
        first, second = Candidate(server, "a"), Candidate(server, "b")
        assert await first.tries()
        server.edit(LEASES, KEY, {"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}})
        await first.elector.release()
        assert _holder(server) == ""
        assert await second.tries()

    _story(act)


def test_a_frozen_holder_finds_its_lease_taken_and_ends() -> None:
    async def act(server: Double) -> None:
        first, second = Candidate(server, "a"), Candidate(server, "b")
        assert await first.tries()
        await second.tries()
        assert await second.tries(DURATION + 1)
        first.now += 25.0
        assert first.left < 0
        with pytest.raises(LeaseLostError, match="another replica"):
            await first.elector.keep()
        assert first.left == 0.0
        assert _holder(server) == "b"

    _story(act)


def test_a_stolen_lease_ends_the_holder() -> None:
    async def act(server: Double) -> None:
        first = Candidate(server, "a")
        assert await first.tries()
        server.edit(LEASES, KEY, {"spec": {"holderIdentity": "thief"}})
        with pytest.raises(LeaseLostError):
            await first.elector.keep()
        assert _holder(server) == "thief"

    _story(act)


def test_a_deleted_lease_is_made_anew_by_its_holder() -> None:
    async def act(server: Double) -> None:
        first, second = Candidate(server, "a"), Candidate(server, "b")
        assert await first.tries()
        del server.objects[LEASES][KEY]
        assert await first.tries(2.0)
        assert not await second.tries()
        assert _holder(server) == "a"

    _story(act)


def test_somebody_elses_note_on_the_lease_costs_a_retry_and_not_the_lease() -> None:
    async def act(server: Double) -> None:
        first = Candidate(server, "a")
        assert await first.tries()
        server.edit(LEASES, KEY, {"metadata": {"annotations": {"note": "1"}}})
        assert await first.tries(2.0)

    _story(act)


def test_without_renewal_the_holder_ends_before_anybody_may_follow() -> None:
    async def act(server: Double) -> None:
        first = Candidate(server, "a")
        assert await first.tries()
        server.fault = lambda _, __: Unavailable("away")
        with pytest.raises(LeaseLostError, match="not renewed"):
            await first.elector.keep()
        assert RENEW_DEADLINE <= first.now < DURATION

    _story(act)


def test_of_two_that_try_at_once_one_wins() -> None:
    async def act(server: Double) -> None:
        candidates = [Candidate(server, name) for name in "abcd"]
        won = await asyncio.gather(*(one.tries() for one in candidates))
        assert sum(won) == 1
        assert sum(one.left > 0 for one in candidates) == 1

    _story(act)


@pytest.mark.parametrize("left", [0.0, -3.0, DEADLINE])
def test_no_write_is_sent_that_the_lease_might_not_outlive(left: float) -> None:
    async def act(server: Double) -> None:
        gateway = FencedGateway(server, lambda: left, Telemetry())
        with pytest.raises(Fenced):
            await gateway.patch(MAPS, "n", "a", {})
        with pytest.raises(Fenced):
            await gateway.create(MAPS, "n", {"metadata": {"name": "a"}})
        assert server.writes == []

    _story(act)


def test_a_write_that_is_forbidden_is_told_and_another_failure_is_not() -> None:
    async def act(server: Double) -> None:
        told: list[str] = []
        gateway = FencedGateway(server, lambda: 60.0, Telemetry(), lambda: told.append("told"))
        server.fault = lambda *_: Unavailable("503")
        with pytest.raises(Unavailable):
            await gateway.patch(MAPS, "n", "a", {})
        assert told == []
        server.fault = lambda *_: Forbidden("no right")
        with pytest.raises(Forbidden):
            await gateway.patch(MAPS, "n", "a", {})
        assert told == ["told"]

    _story(act)
