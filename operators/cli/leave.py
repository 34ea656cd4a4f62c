"""``modelyard leave``: undoes what a deletion of every object would undo, and keeps them."""

import argparse
import asyncio
import logging
import sys
import time
from dataclasses import replace

from controllers.plan import FINALIZER, Meta, Plan
from operators.cli.run import add_settings, chosen, settings_of, source
from operators.runtime import logs
from operators.runtime.errors import GatewayError, NotFound
from operators.runtime.gateway import KubeGateway
from operators.runtime.kind import AnyKind
from operators.runtime.objects import key_of
from operators.runtime.process import Process, leave
from operators.runtime.settings import Settings
from operators.runtime.telemetry import Telemetry

PAUSE = 1.0
"""Seconds between two looks at what is still held."""

_log = logging.getLogger(__name__)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the subcommand, with the settings of ``run``."""
    parser = commands.add_parser(
        "leave",
        help="return all traffic and free all objects, before this operator goes for good",
        description=(
            "Does for each object what its deletion would do, keeps the object and takes our "
            "finalizer off. Waits for the lease: stop the operator first."
        ),
    )
    add_settings(parser)
    parser.add_argument("--seconds", metavar="SECONDS", type=float, default=240.0,
                        help="how long it may take (default: 240)")  # fmt: skip
    parser.set_defaults(act=act)


def act(parsed: argparse.Namespace) -> int:
    """0 once no object is held; 1, naming them, where some are at the end; 2 for wrong flags."""
    try:
        settings = settings_of(parsed)
        served = chosen(settings)
    except ValueError as error:
        print(f"modelyard leave: {error}", file=sys.stderr)
        return 2
    if settings.dry_run:
        print("modelyard leave: --dry-run: nothing would ever be freed", file=sys.stderr)
        return 2
    logs.configure(settings.log_format)
    try:
        code = asyncio.run(_leave(settings, served, parsed.seconds))
    except (ValueError, OSError) as error:
        print(f"modelyard leave: {error}", file=sys.stderr)
        code = 2
    leave(code)
    return code


def leaving(kind: AnyKind) -> AnyKind:
    """The kind, of which each object that holds our finalizer is decided about as if deleted.

    One that holds none has nothing to undo and is left as it is.
    """

    def gone(meta: Meta) -> Meta:
        return replace(meta, deleting=True)

    return replace(
        kind,
        needs=lambda meta, *rest: kind.needs(gone(meta), *rest) if meta.finalizer else (),
        observe=lambda world, meta, *rest: kind.observe(world, gone(meta), *rest),
        decide=lambda meta, spec, status, *rest: (
            kind.decide(gone(meta), spec, status, *rest) if meta.finalizer else Plan(status, "Left")
        ),
        refuse=lambda meta, status, *rest: (
            kind.refuse(gone(meta), status, *rest) if meta.finalizer else Plan(status, "Left")
        ),
    )


async def _leave(settings: Settings, served: tuple[AnyKind, ...], seconds: float) -> int:
    telemetry = Telemetry()
    gateway = await KubeGateway.connect(settings.kubeconfig)
    try:
        with source(settings, telemetry) as history:
            kinds = [leaving(kind) for kind in served]
            process = Process(settings, kinds, gateway, history, telemetry)
            running = asyncio.create_task(process.run())
            freed = asyncio.create_task(_freed(gateway, settings.namespace, served, seconds))
            await asyncio.wait({running, freed}, return_when=asyncio.FIRST_COMPLETED)
            code = freed.result() if freed.done() else 1
            freed.cancel()
            process.stop()
            return await running or code
    finally:
        await gateway.close()


async def _freed(
    gateway: KubeGateway, namespace: str, served: tuple[AnyKind, ...], seconds: float
) -> int:
    """0 once no object holds our finalizer, 1 where some do when the time is over."""
    until = time.monotonic() + seconds
    told: list[str] | None = None
    while True:
        try:
            held = [name for kind in served for name in await _held(gateway, kind, namespace)]
        except GatewayError as error:
            _log.warning("what is held was not read: %s", error)
        else:
            if held != told:
                _log.info("%d objects are held: %s", len(held), ", ".join(held[:20]) or "done")
            if not held:
                return 0
            told = held
        if time.monotonic() >= until:
            _log.error("after %g s there are still held: %s", seconds, ", ".join(told or ["?"]))
            return 1
        await asyncio.sleep(PAUSE)


async def _held(gateway: KubeGateway, kind: AnyKind, namespace: str) -> list[str]:
    """The objects of a kind that hold our finalizer; none of one that the server does not know."""
    try:
        objects, _ = await gateway.list(kind.api.resource, namespace)
    except NotFound:
        return []
    return [
        f"{kind.api.kind} {'/'.join(key_of(obj))}"
        for obj in objects
        if FINALIZER in obj["metadata"].get("finalizers", ())
    ]
