"""Which replica acts: a Lease, timed by our own monotonic clock as client-go does it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from controllers.plan import Resource
from operators.runtime.access import Gateway
from operators.runtime.errors import Conflict, GatewayError, NotFound
from operators.runtime.objects import Obj

LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")

DURATION = 15.0
"""Seconds for which a holder that does not renew keeps the others away."""
RENEW_DEADLINE = 10.0
"""Seconds without a renewal after which the holder gives up, before the others may take over."""
RETRY = 2.0
"""Seconds between attempts."""

_log = logging.getLogger(__name__)


class LeaseLostError(Exception):
    """The lease could not be renewed, or somebody else holds it: this process must end."""


class Elector:
    """One candidate. ``clock`` is monotonic seconds; wall clocks are written, never compared."""

    def __init__(
        self,
        gateway: Gateway,
        namespace: str,
        name: str,
        identity: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._gateway = gateway
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._sleep = sleep
        self._seen: tuple[Any, ...] = ()
        self._seen_at = 0.0
        self._held: Obj | None = None
        self._held_until = float("-inf")

    def remaining(self) -> float:
        """Seconds for which nobody else can hold the lease; negative or zero: it is not ours."""
        return self._held_until - self._clock() if self._held else 0.0

    async def acquire(self) -> None:
        """Returns once the lease is ours; an API server that does not answer is waited for."""
        while not await self._attempt():
            await self._sleep(RETRY)

    async def keep(self) -> None:
        """Renews for ever; raises LeaseLostError once the lease is or may soon be another's."""
        while True:
            await self._sleep(RETRY)
            if not await self._attempt() and not self._held:
                raise LeaseLostError("another replica took the lease")
            left = self.remaining() - (DURATION - RENEW_DEADLINE)
            if left <= 0:
                raise LeaseLostError(f"the lease was not renewed for {RENEW_DEADLINE:g} s")

    async def release(self) -> None:
        """Gives the lease up, so that a standby need not wait; every write is fenced from here."""
        lease, self._held = self._held, None
        if lease is None:
            return
        given_up = {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            try:
                await self._patch(lease, given_up)
            except Conflict:  # a renewal that was cut off landed after all
                now = await self._read()
                if now is not None and self._mine(now):
                    await self._patch(now, given_up)
        except GatewayError as error:
            _log.warning("the lease was not released, it expires by itself: %s", error)

    async def _attempt(self) -> bool:
        """One try to take or renew the lease; whether it succeeded."""
        started = self._clock()
        try:
            lease = self._held or await self._read()
            for _ in range(2):  # once more if somebody wrote in between
                if lease is not None and not self._free(lease):
                    break
                try:
                    self._held = await self._write(lease)
                except (Conflict, NotFound):
                    lease = await self._read()
                else:
                    self._held_until = started + DURATION
                    return True
            self._held = None
        except GatewayError as error:
            _log.warning("the lease could not be renewed or taken: %s", error)
        return False

    async def _read(self) -> Obj | None:
        try:
            lease = await self._gateway.get(LEASES, self._namespace, self._name)
        except NotFound:
            return None
        spec = lease.get("spec", {})
        seen = tuple(spec.get(n) for n in ("holderIdentity", "renewTime", "leaseTransitions"))
        if seen != self._seen:
            self._seen, self._seen_at = seen, self._clock()
        return lease

    def _mine(self, lease: Obj) -> bool:
        return bool(lease.get("spec", {}).get("holderIdentity") == self._identity)

    def _free(self, lease: Obj) -> bool:
        """Whether it is ours, nobody's, or its holder has not renewed it while we watched."""
        spec = lease.get("spec", {})
        if self._mine(lease) or not spec.get("holderIdentity"):
            return True
        kept = max(DURATION, float(spec.get("leaseDurationSeconds") or 0))
        return self._clock() >= self._seen_at + kept

    def _claim(self, lease: Obj) -> dict[str, Any]:
        now = _micro_time()
        claim: dict[str, Any] = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(DURATION),
            "renewTime": now,
        }
        if not self._mine(lease):
            spec = lease.get("spec", {})
            claim |= {"acquireTime": now, "leaseTransitions": spec.get("leaseTransitions", 0) + 1}
        return claim

    async def _write(self, lease: Obj | None) -> Obj:
        if lease is not None:
            return await self._patch(lease, self._claim(lease))
        body = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._claim({"spec": {"leaseTransitions": -1}}),
        }
        return await self._gateway.create(LEASES, self._namespace, body)

    async def _patch(self, lease: Obj, spec: Mapping[str, Any]) -> Obj:
        version = lease["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version}, "spec": spec}
        return await self._gateway.patch(LEASES, self._namespace, self._name, patch)


def _micro_time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
