"""``modelyard run``: the operator."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from operators.kinds import kinds
from operators.runtime import logs
from operators.runtime.kind import AnyKind
from operators.runtime.process import leave, serve
from operators.runtime.settings import PREFIX, Settings, environment
from operators.runtime.telemetry import Telemetry
from operators.sources.history import History
from operators.sources.prometheus import Prometheus
from operators.sources.shared import Shared


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the subcommand: one flag for each setting."""
    parser = commands.add_parser(
        "run", help="serve the kinds of this operator", description=__doc__,
        epilog=f"Each flag may be given as a variable instead: {PREFIX}PROMETHEUS_URL and so on.",
    )  # fmt: skip
    add_settings(parser)
    parser.set_defaults(act=act)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds one flag for each setting; ``settings_of`` reads them."""
    for name, field in Settings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        text = f"{field.description} (default: {_shown(field.default)})"
        if isinstance(field.default, bool):
            parser.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=None, help=text
            )
        elif isinstance(field.default, tuple):
            parser.add_argument(flag, metavar="A,B", default=None, help=text)
        else:
            parser.add_argument(flag, metavar=name.rsplit("_", 1)[-1].upper(), help=text)


def act(parsed: argparse.Namespace) -> int:
    """Runs the operator with the parsed flags; 2 if they make no sense."""
    try:
        settings = settings_of(parsed)
        served = chosen(settings)
    except ValueError as error:
        print(f"modelyard run: {error}", file=sys.stderr)
        return 2
    logs.configure(settings.log_format)
    try:
        with _scratch(settings):
            code = asyncio.run(_serve(settings, served))
    except (ValueError, OSError) as error:
        print(f"modelyard run: {error}", file=sys.stderr)
        code = 2
    leave(code)
    return code


async def _serve(settings: Settings, served: tuple[AnyKind, ...]) -> int:
    telemetry = Telemetry()
    with source(settings, telemetry) as history:
        return await serve(settings, served, history, telemetry)


@contextmanager
def _scratch(settings: Settings) -> Iterator[None]:
    """Where the client's files with the keys of a kubeconfig lie, which it would leave behind."""
    if not settings.kubeconfig:
        yield
        return
    with TemporaryDirectory(prefix="modelyard-") as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = None


@contextmanager
def source(settings: Settings, telemetry: Telemetry) -> Iterator[History]:
    """What answers queries, by the Prometheus of the settings; closed at the end of the block."""
    prometheus = Prometheus(
        settings.prometheus_url,
        telemetry,
        token_file=settings.prometheus_token_file,
        ca_file=settings.prometheus_ca_file,
    )
    history = History(Shared(prometheus))
    try:
        yield history
    finally:
        history.close()
        prometheus.close()


def settings_of(parsed: argparse.Namespace) -> Settings:
    """The settings of flags over environment over defaults; ValueError names the wrong one."""
    given: dict[str, Any] = dict(environment())
    for name in Settings.model_fields:
        if (value := getattr(parsed, name)) is not None:
            given[name] = value
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, tuple) and isinstance(given.get(name), str):
            given[name] = tuple(one.strip() for one in given[name].split(",") if one.strip())
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        wrong = [_refused(one) for one in error.errors(include_url=False)]
        raise ValueError("; ".join(wrong)) from error


def _refused(error: ErrorDetails) -> str:
    """The flag, its value and what is wrong with it."""
    given = error["input"]
    shown = ",".join(given) if isinstance(given, tuple) else given
    flag = str(error["loc"][0]).replace("_", "-")
    return f"--{flag} {shown!r}: {error['msg'].removeprefix('Value error, ')}"


def chosen(settings: Settings) -> tuple[AnyKind, ...]:
    """The kinds to serve; ValueError names those that there are not."""
    served = kinds(settings)
    known = {kind.api.kind: kind for kind in served}
    if unknown := [name for name in settings.kinds if name not in known]:
        raise ValueError(
            f"--kinds {','.join(unknown)}: no such kind; there are {', '.join(known) or 'none yet'}"
        )
    return tuple(known[name] for name in settings.kinds) if settings.kinds else served


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, tuple):
        return ",".join(default) or "empty"
    return str(default) if default != "" else "empty"
