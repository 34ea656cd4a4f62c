"""The programs that judge charts, which ``make test`` builds before."""

import pytest

from hack.cluster import binaries


@pytest.fixture(autouse=True, scope="session")
def built() -> None:
    """Fails, with what to do, where a test would otherwise sit through minutes of builds."""
    missing = [name for name in ("glua", "helm", "promtool") if binaries.find(name) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} missing: python -m hack.cluster build, make charts")
