"""The one gateway to the API server: dicts in and out, a deadline on every call, typed errors."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import client, config

from controllers.plan import Resource
from operators.runtime.access import DEADLINE
from operators.runtime.answers import parse, parse_event, parse_list, parse_object, refusal
from operators.runtime.errors import Unavailable
from operators.runtime.objects import Obj, slim, version_of
from operators.runtime.rights import Right

FIELD_MANAGER = "modelyard"
REVIEWS = Resource(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"
)
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

_LIST_DEADLINE = 30.0
_PAGE = 500
_WATCH_SECONDS = 290
# The API server sends a bookmark about every minute, so that longer silence is a dead connection.
_SILENCE = 100.0

_log = logging.getLogger(__name__)

Hook = Callable[[Literal["before", "after"], str], None]
"""Called around every write with the method and path: where tests make a process crash."""


@dataclass(frozen=True)
class Login:
    """What another client, kopf's, needs to reach the same API server as the same account."""

    server: str
    ca: str | None
    certificate: str | None
    key: str | None
    token: str | None
    insecure: bool


class KubeGateway:
    """A Gateway to a real API server; see there for what each method promises."""

    def __init__(
        self, configuration: client.Configuration, token_file: Path | None, hook: Hook | None = None
    ) -> None:
        self._configuration = configuration
        self._api = client.ApiClient(configuration)
        self._api.user_agent = FIELD_MANAGER
        self._token_file = token_file
        self._token: tuple[float, str] = (0.0, "")
        self._hook = hook

    @classmethod
    async def connect(cls, kubeconfig: str, hook: Hook | None = None) -> Self:
        """By a kubeconfig file, or as a pod of the cluster where that is empty.

        Raises ValueError if neither says how to reach an API server.
        """
        configuration = client.Configuration()
        # Some hundred streams and writes may be open at once; the default would queue them.
        configuration.connection_pool_maxsize = 256
        configuration.client_session_kwargs = {"trust_env": False}
        try:
            if kubeconfig:
                await config.load_kube_config(  # type: ignore[no-untyped-call]
                    config_file=kubeconfig, client_configuration=configuration, persist_config=False
                )
            else:
                config.load_incluster_config(  # type: ignore[no-untyped-call]
                    client_configuration=configuration, try_refresh_token=False
                )
        except config.ConfigException as error:
            raise ValueError(
                f"no way to the API server: {error}; give --kubeconfig, or run in a pod"
            ) from error
        return cls(configuration, None if kubeconfig else SERVICE_ACCOUNT, hook)

    async def close(self) -> None:
        """Closes all connections."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def login(self) -> Login:
        """The same connection for kopf; asked again when the API server turns a token down."""
        header = (await self._authorization()).get("authorization", "")
        one = self._configuration
        return Login(
            server=one.host,
            ca=one.ssl_ca_cert,
            certificate=one.cert_file,
            key=one.key_file,
            token=header.removeprefix("Bearer ") or None,
            insecure=not one.verify_ssl,
        )

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """As ``Gateway`` promises."""
        url = path(resource, namespace, name)
        return parse_object(await self._json("GET", url), f"GET {url}")

    async def list(
        self, resource: Resource, namespace: str, keep: Callable[[Obj], Obj] = slim
    ) -> tuple[list[Obj], int]:
        """As ``Gateway`` promises."""
        objects: list[Obj] = []
        query = {"limit": str(_PAGE)}
        while True:
            page = await self._json(
                "GET", path(resource, namespace), query=query, deadline=_LIST_DEADLINE
            )
            for item in parse_list(page, f"GET {path(resource, namespace)}"):
                # Items of a list carry neither; what is cached shall look the same from anywhere.
                item.setdefault("apiVersion", resource.api_version)
                item.setdefault("kind", resource.kind)
                objects.append(keep(item))
            more = page["metadata"].get("continue")
            if not more:
                return objects, version_of(page)
            query["continue"] = more

    async def watch(self, resource: Resource, namespace: str, version: int) -> AsyncIterator[Obj]:
        """As ``Gateway`` promises."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(version),
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        url = path(resource, namespace)
        try:
            async with asyncio.timeout(DEADLINE):
                response = await self._send("GET", url, query, None, _WATCH_SECONDS + 30.0)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unreachable(error, f"watch {url}", DEADLINE) from error
        try:
            if response.status != 200:
                raise refusal(response.status, await response.text(), response.headers)
            async for line in _lines(response):
                yield parse_event(line, f"watch {url}")
        finally:
            _drop(response)

    async def create(self, resource: Resource, namespace: str, body: Mapping[str, Any]) -> Obj:
        """As ``Gateway`` promises."""
        return await self._write("POST", path(resource, namespace), body)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str = "",
    ) -> Obj:
        """As ``Gateway`` promises."""
        url = path(resource, namespace, name) + (f"/{subresource}" if subresource else "")
        return await self._write("PATCH", url, patch)

    async def allowed(self, right: Right, namespace: str) -> bool:
        """Whether our account has the right in the namespace; empty: in all of them.

        A question that changes nothing, although it is a POST. Raises a GatewayError.
        """
        resource, _, subresource = right.resource.partition("/")
        attributes = {
            "verb": right.verb,
            "group": right.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": namespace,
        }
        review = {
            "apiVersion": REVIEWS.api_version,
            "kind": REVIEWS.kind,
            "spec": {"resourceAttributes": attributes},
        }
        url = path(REVIEWS, "")
        answer = await self._json("POST", url, body=review)
        allowed = (answer.get("status") or {}).get("allowed")
        if allowed is None:
            raise Unavailable(f"POST {url}: the answer is no review: {str(answer)[:80]}")
        return bool(allowed)

    async def document(self, url: str) -> Obj:
        """What the API server publishes at a path, such as its schemas; raises a GatewayError."""
        return await self._json("GET", url, deadline=_LIST_DEADLINE)

    async def _write(self, method: str, url: str, body: Mapping[str, Any]) -> Obj:
        if self._hook:
            self._hook("before", f"{method} {url}")
        answer = await self._json(method, url, query={"fieldManager": FIELD_MANAGER}, body=body)
        if self._hook:
            self._hook("after", f"{method} {url}")
        return parse_object(answer, f"{method} {url}")

    async def _json(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        deadline: float = DEADLINE,
    ) -> Obj:
        try:
            async with asyncio.timeout(deadline):
                response = await self._send(method, url, query or {}, body, deadline)
                text = await response.text()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unreachable(error, f"{method} {url}", deadline) from error
        if not 200 <= response.status < 300:
            raise refusal(response.status, text, response.headers)
        return parse(text, f"{method} {url}")

    async def _send(
        self,
        method: str,
        url: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        seconds: float,
    ) -> aiohttp.ClientResponse:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {
            "Accept": "application/json",
            "Content-Type": kind,
            "User-Agent": FIELD_MANAGER,
            **await self._authorization(),
        }
        full = f"{self._configuration.host}{url}" + (f"?{urlencode(query)}" if query else "")
        answer = await self._api.call_api(method, full, headers, body, _request_timeout=seconds)
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _authorization(self) -> dict[str, str]:
        """The header; the kubelet renews a pod's token in its file, others renew themselves."""
        if self._token_file is None:
            headers: dict[str, str] = {}
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
            return headers
        changed = self._token_file.stat().st_mtime
        if changed != self._token[0]:
            self._token = (changed, self._token_file.read_text().strip())
        return {"authorization": f"Bearer {self._token[1]}"}


def path(resource: Resource, namespace: str, name: str = "") -> str:
    """The path of one object or of a collection; without a namespace, of all namespaces."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else "/api/v1"
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{scope}/{resource.plural}" + (f"/{name}" if name else "")


def _drop(response: aiohttp.ClientResponse) -> None:
    """Ends a watch's connection at once: TLS's farewell might be answered after the loop's end."""
    if response.connection and response.connection.transport:
        response.connection.transport.abort()
    response.close()


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The events of a watch. Raises Unavailable on silence or a broken connection."""
    rest = b""
    while True:
        try:
            async with asyncio.timeout(_SILENCE):
                # readline() refuses lines over the buffer's limit, and an object may be larger.
                got = await response.content.readany()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unreachable(error, "watch", _SILENCE) from error
        if not got:
            if rest:  # cut off within an event, or no watch at all
                yield rest
            return
        *lines, rest = (rest + got).split(b"\n")
        for line in lines:
            yield line


def _unreachable(error: Exception, what: str, deadline: float) -> Unavailable:
    detail = f"no answer within {deadline:g} s" if isinstance(error, TimeoutError) else str(error)
    return Unavailable(f"{what}: {detail or type(error).__name__}")
