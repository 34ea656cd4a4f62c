"""What all tests share: golden files, rewritten only when asked."""

from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")
    parser.addoption("--e2e", action="store_true", help="install and remove things in a cluster")
    parser.addoption("--kubeconfig", type=Path, help="of the cluster to use for --e2e, if not ours")
    for name in ("operator", "model-server"):
        parser.addoption(
            f"--{name}-image", default="", help="for --kubeconfig: what nodes can pull"
        )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compares a text with the golden file that was reviewed."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.is_file(), f"{path} is missing: run pytest --update-golden and review it"
        assert text == path.read_text()

    return compare
