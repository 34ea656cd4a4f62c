"""``modelyard run``: the operator."""

import argparse
import asyncio
import sys
from typing import Any

from pydantic import ValidationError

from operators.kinds import KINDS
from operators.runtime import logs
from operators.runtime.kind import AnyKind
from operators.runtime.process import leave, serve
from operators.runtime.settings import PREFIX, Settings, environment
from operators.runtime.telemetry import Telemetry
from operators.sources.prometheus import Prometheus


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the subcommand: one flag for each setting."""
    parser = commands.add_parser(
        "run", help="serve the kinds of this operator", description=__doc__,
        epilog=f"Each flag may be given as a variable instead: {PREFIX}PROMETHEUS_URL and so on.",
    )  # fmt: skip
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
    parser.set_defaults(act=act)


def act(parsed: argparse.Namespace) -> int:
    """Runs the operator with the parsed flags; 2 if they make no sense."""
    try:
        settings = settings_of(parsed)
        kinds = chosen(settings)
    except ValueError as error:
        print(f"modelyard run: {error}", file=sys.stderr)
        return 2
    logs.configure(settings.log_format)
    try:
        code = asyncio.run(_serve(settings, kinds))
    except (ValueError, OSError) as error:
        print(f"modelyard run: {error}", file=sys.stderr)
        code = 2
    leave(code)
    return code


async def _serve(settings: Settings, kinds: tuple[AnyKind, ...]) -> int:
    telemetry = Telemetry()
    source = Prometheus(
        settings.prometheus_url,
        telemetry,
        token_file=settings.prometheus_token_file,
        ca_file=settings.prometheus_ca_file,
    )
    try:
        return await serve(settings, kinds, source, telemetry)
    finally:
        source.close()


def settings_of(parsed: argparse.Namespace) -> Settings:
    """The settings of flags over environment over defaults; ValueError names the wrong one."""
    given: dict[str, Any] = dict(environment())
    for name in Settings.model_fields:
        if (value := getattr(parsed, name)) is not None:
            given[name] = value
    if isinstance(given.get("kinds"), str):
        given["kinds"] = tuple(one.strip() for one in given["kinds"].split(",") if one.strip())
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        wrong = [
            f"--{str(one['loc'][0]).replace('_', '-')} {one['input']!r}: {one['msg']}"
            for one in error.errors(include_url=False)
        ]
        raise ValueError("; ".join(wrong)) from error


def chosen(settings: Settings) -> tuple[AnyKind, ...]:
    """The kinds to serve; ValueError names those that there are not."""
    known = {kind.api.kind: kind for kind in KINDS}
    if unknown := [name for name in settings.kinds if name not in known]:
        raise ValueError(
            f"--kinds {','.join(unknown)}: no such kind; there are {', '.join(known) or 'none yet'}"
        )
    return tuple(known[name] for name in settings.kinds) if settings.kinds else KINDS


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return str(default) if default not in ("", ()) else "empty"
