"""The baseline of a start: nothing but lists of both kinds into caches, in a process of its own."""

import argparse
import asyncio
import json
import time
from pathlib import Path

from controllers.routing.istio import VIRTUAL_SERVICE
from hack.bench.runtime.objects import CANARIES, connected
from operators.runtime.store import Store


async def _list(kubeconfig: Path) -> dict[str, tuple[float, float]]:
    """Seconds and CPU seconds of each kind's list, by its plural."""
    found = {}
    async with connected(kubeconfig) as gateway:
        for resource in (CANARIES, VIRTUAL_SERVICE):
            began, cpu = time.monotonic(), time.process_time()
            Store(resource).replace(*await gateway.list(resource, ""))
            found[resource.plural] = (time.monotonic() - began, time.process_time() - cpu)
    return found


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    print(json.dumps(asyncio.run(_list(parser.parse_args().kubeconfig))))


if __name__ == "__main__":
    main()
