"""The event recorder: told once, repeats counted, never in the way."""

import asyncio

from controllers.plan import Event
from operators.runtime.errors import Forbidden
from operators.runtime.events import EVENTS, REPEAT, EventRecorder
from operators.runtime.telemetry import Telemetry
from tests.operators import toy
from tests.operators.bench import TOYS
from tests.operators.double import Double

FILLED = Event("Filled", "the box holds red")


class _Desk:
    def __init__(self) -> None:
        self.server = Double()
        self.now = 0.0
        self.telemetry = Telemetry()
        self.recorder = EventRecorder(self.server, "me", self.telemetry, lambda: self.now)
        self.obj = self.server.add(TOYS, toy.manifest())

    async def record(self, event: Event, after: float = 0.0) -> None:
        self.now += after
        self.recorder.record(self.obj, event)
        await self.recorder.drain()

    def counted(self, result: str) -> float:
        return float(self.telemetry.events.labels("Filled", result)._value.get())


def test_an_event_names_its_object_and_who_says_it() -> None:
    desk = _Desk()
    asyncio.run(desk.record(Event("Broken", "x" * 2000, warning=True)))
    (told,) = desk.server.objects[EVENTS].values()
    assert told["regarding"]["name"] == "one"
    assert told["metadata"]["name"].startswith("one-")
    assert (told["type"], told["reason"], told["action"]) == ("Warning", "Broken", "Broken")
    assert (told["reportingController"], told["reportingInstance"]) == (
        "modelyard.dev/operator", "me",
    )  # fmt: skip
    assert len(told["note"]) == 1024


def test_a_repeat_is_counted_on_the_first_and_told_at_most_once_a_minute() -> None:
    async def story() -> _Desk:
        desk = _Desk()
        for _ in range(5):
            await desk.record(FILLED, after=20.0)
        return desk

    desk = asyncio.run(story())
    (told,) = desk.server.objects[EVENTS].values()
    assert told["series"]["count"] == 4
    assert desk.server.writes.count("series events/" + told["metadata"]["name"]) == 1
    assert (desk.counted("sent"), desk.counted("counted")) == (1, 4)


def test_another_message_or_a_long_silence_is_another_event() -> None:
    async def story() -> _Desk:
        desk = _Desk()
        await desk.record(FILLED)
        await desk.record(Event("Filled", "the box holds blue"))
        await desk.record(FILLED, after=REPEAT + 1)
        return desk

    assert len(asyncio.run(story()).server.objects[EVENTS]) == 3


def test_a_refusal_or_a_flood_costs_events_and_nothing_else() -> None:
    async def story() -> _Desk:
        desk = _Desk()
        desk.server.fault = lambda *_: Forbidden("no right")
        await desk.record(FILLED)
        for number in range(1500):
            desk.recorder.record(desk.obj, Event("Filled", str(number)))
        return desk

    assert asyncio.run(story()).counted("dropped") == 1 + 500
