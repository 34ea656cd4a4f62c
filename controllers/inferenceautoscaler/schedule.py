"""Which scheduled minima hold now, by the clock of each one's time zone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from controllers.api.inferenceautoscaler.spec import Schedule
from controllers.api.inferenceautoscaler.status import Asked


def problem(schedule: Sequence[Schedule]) -> str:
    """What is wrong with a schedule, with its field, value and fix; empty: nothing."""
    for one in schedule:
        where = f"spec.schedule[{one.name}]"
        try:
            ZoneInfo(one.time_zone)
        except (ValueError, OSError, LookupError):
            return (
                f"{where}.timeZone: there is no time zone {one.time_zone!r}: "
                "use a name such as Europe/Paris or UTC"
            )
        try:
            next(CronSim(one.cron, datetime(2026, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            return (
                f"{where}.cron: {one.cron!r} is no cron expression such as '0 8 * * 1-5': {error}"
            )
        except StopIteration:
            return f"{where}.cron: {one.cron!r} never comes: check its day and month"
    return ""


def minima(schedule: Sequence[Schedule], now: float, lead: float) -> tuple[Asked, ...]:
    """The minima that hold now or begin within ``lead`` seconds, so that replicas are ready then.

    Where clocks go forward, a start in the hour that is left out comes when that hour is over;
    where they go back, it comes once.
    """
    held = []
    for one in schedule:
        zone = ZoneInfo(one.time_zone)
        begin = datetime.fromtimestamp(now, UTC) - timedelta(seconds=one.duration)
        # In an hour that comes a second time, what comes once has been in the first.
        starts = CronSim(one.cron, begin.astimezone(zone))
        start = next((at for at in starts if at > begin), None)
        if start is not None and start.timestamp() <= now + lead:
            held.append(
                Asked(
                    reason="Schedule",
                    replicas=one.min_replicas,
                    message=f"{one.name}: since or at {start:%H:%M %Z}",
                )
            )
    return tuple(held)
