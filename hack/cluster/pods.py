"""Follows the ready pods of one selector by list and watch, through every outage of the API."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

_AGAIN = 0.5  # seconds until the next try
_WATCH = 120  # seconds after which the server ends a watch


class Api:
    """The API server, spoken to as admin."""

    def __init__(self, server: str, pki: Path) -> None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(str(pki / "admin.crt"), str(pki / "admin.key"))
        self._session = aiohttp.ClientSession(
            server,
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=aiohttp.ClientTimeout(total=None, connect=5, sock_read=_WATCH + 10),
            read_bufsize=2**20,  # an event is one line
            raise_for_status=True,
        )

    async def close(self) -> None:
        await self._session.close()

    async def apply(self, path: str, manifest: Mapping[str, Any]) -> None:
        """Applies one object on the server side, as field manager ``cluster``."""
        async with self._session.patch(
            path,
            params={"fieldManager": "cluster", "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            data=json.dumps(manifest),
            timeout=aiohttp.ClientTimeout(total=5),
        ) as answer:
            await answer.read()

    async def follow(
        self, namespace: str, selector: str, changed: Callable[[Mapping[str, str]], None]
    ) -> None:
        """Calls ``changed`` with the ready pods (uid: name) at first and when they change."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        while True:
            try:
                await self._watch(path, selector, changed)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                await asyncio.sleep(_AGAIN)

    async def _watch(
        self, path: str, selector: str, changed: Callable[[Mapping[str, str]], None]
    ) -> None:
        """One list and one watch; returns when the watch ends, in whichever way."""
        async with self._session.get(path, params={"labelSelector": selector}) as answer:
            listed = await answer.json()
        ready = dict(map(_named, filter(_is_ready, listed["items"])))
        changed(ready)
        asked = {
            "labelSelector": selector,
            "watch": "1",
            "resourceVersion": listed["metadata"]["resourceVersion"],
            "timeoutSeconds": str(_WATCH),
        }
        async with self._session.get(path, params=asked) as events:
            async for line in events.content:
                event = json.loads(line)
                if event["type"] == "ERROR":  # the version is too old: list again
                    return
                uid, name = _named(event["object"])
                known = dict(ready)
                ready.pop(uid, None)
                if event["type"] != "DELETED" and _is_ready(event["object"]):
                    ready[uid] = name
                if ready != known:
                    changed(dict(ready))


def _named(pod: Mapping[str, Any]) -> tuple[str, str]:
    return pod["metadata"]["uid"], pod["metadata"]["name"]


def _is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod is ready and is not about to go."""
    conditions = pod.get("status", {}).get("conditions", [])
    return "deletionTimestamp" not in pod["metadata"] and any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )
