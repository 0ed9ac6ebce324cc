"""The command line's options, and the settings that they make."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_datalake.emulator import config as settings
from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.faults import SERVICES, FaultKind, FaultRule, parse_rule
from airflow_provider_datalake.emulator.numbers import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.emulator.run_file import Running

_PREFIX = "DATALAKE_EMULATOR_"
_SECRETS = {
    "ACCESS_ID": (settings.DEFAULT_ACCESS_ID, "access id"),
    "SECRET": (settings.DEFAULT_SECRET, "its secret"),
    "BEARER_TOKEN": (settings.DEFAULT_BEARER_TOKEN, "bearer token of the account"),
    "STUDIO_TOKEN": (settings.DEFAULT_STUDIO_TOKEN, "primary token of the ML Studio workspace"),
    "STUDIO_SECOND_TOKEN": (settings.DEFAULT_STUDIO_SECOND_TOKEN, "its secondary token"),
    "PAGE_TOKEN": (None, "token that the pages for people ask for"),
}


def make_parser() -> argparse.ArgumentParser:
    """
    Describe the command line.

    :return: the parser
    """
    parser = argparse.ArgumentParser(
        prog="datalake-emulator",
        description="A local server that speaks the protocols of MaxCompute, "
        "of Azure's data lake and of ML Studio (classic).",
        epilog=(
            "Credentials can also be set in the environment, which keeps them out of the list of processes: "
            + ", ".join(f"{_PREFIX}{name}" for name in _SECRETS)
        ),
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (text, add) in _COMMANDS.items():
        command = commands.add_parser(name, help=text)
        _add_data_dir(command)
        add(command)
    return parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    _add_address(serve)
    _add_credentials(serve)
    _add_proxy(serve)
    serve.add_argument(
        "--detach",
        action="store_true",
        help="run in the background: come back when it is ready; its log is in the data directory",
    )
    serve.add_argument(
        "--end-with-stdin",
        action="store_true",
        help="stop when standard input ends: a program that holds its other end takes the emulator with it",
    )
    serve.add_argument(
        "--faults",
        action="append",
        type=_fault_rule,
        default=[],
        metavar="RATE[:KIND,...][@ROUTE]",
        help="let requests fail on purpose, can be repeated; the first rule that covers a request decides. "
        f"KIND: {', '.join(FaultKind)}. ROUTE: {', '.join(SERVICES)}, or [METHOD ]/path*",
    )
    _add_directory(serve)
    serve.add_argument(
        "--repeated-jobs",
        choices=("accept", "conflict"),
        default="accept",
        help="answer to a U-SQL job that is submitted again under its id: the job, or 409; none runs twice",
    )
    serve.add_argument("--fault-seed", type=int, help="makes the same requests fail again")
    serve.add_argument("--workers", type=_positive, default=4, help="jobs that run at the same time")
    serve.add_argument(
        "--page-token", default=_environment("PAGE_TOKEN"), help="token that the pages for people ask for"
    )


def _add_env(env: argparse.ArgumentParser) -> None:
    _add_address(env)
    _add_credentials(env)
    _add_proxy(env)


def _add_wait(wait: argparse.ArgumentParser) -> None:
    _add_address(wait)
    _add_timeout(wait, 60)


def _add_stop(stop: argparse.ArgumentParser) -> None:
    _add_timeout(stop, 30)


def _add_reset(reset: argparse.ArgumentParser) -> None:
    _add_address(reset)
    _add_credentials(reset)


def _add_seed(seed: argparse.ArgumentParser) -> None:
    seed.add_argument("source", type=Path, metavar="FILE|DIR", help="what to bring in")
    place = seed.add_mutually_exclusive_group(required=True)
    place.add_argument(
        "--table",
        metavar="[PROJECT.]NAME[/PARTITION]",
        help="a MaxCompute table, or its partition, e.g. dt=20240101; made when missing, replaced otherwise",
    )
    place.add_argument(
        "--path", metavar="/STORE/PATH", help="a path in the Data Lake Store; with a / at its end, a folder"
    )
    place.add_argument(
        "--dataset", metavar="NAME", help="an ML Studio dataset, or a new version of the one that is there"
    )
    seed.add_argument(
        "--column",
        action="append",
        type=_column,
        default=[],
        metavar="NAME=TYPE",
        help="the type of a column of a table that is made of CSV, can be repeated; the others' follow from "
        "their values",
    )
    seed.add_argument(
        "--format",
        metavar="DATATYPEID",
        help="the dataset's format (default: what the file's name says)",
    )
    _add_address(seed)
    _add_credentials(seed)


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=_default_data_dir(),
        help="where everything is kept (default: %(default)s)",
    )


def _add_proxy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tls-proxy",
        type=_port,
        nargs="?",
        const=settings.DEFAULT_TLS_PROXY_PORT,
        metavar="PORT",
        help="a CONNECT proxy that stands for the real host names, "
        f"0 for a free port (default: none; without PORT: {settings.DEFAULT_TLS_PROXY_PORT})",
    )


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help=f"address (default: {settings.DEFAULT_HOST})")
    parser.add_argument(
        "--port",
        type=_port,
        help="port, 0 for a free one "
        f"(default: the one of the emulator that runs in the data directory, else {settings.DEFAULT_PORT})",
    )


def _add_timeout(parser: argparse.ArgumentParser, seconds: int) -> None:
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=seconds,
        metavar="SECONDS",
        help="how long to wait (default: %(default)s)",
    )


def _add_credentials(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--project",
        action="append",
        metavar="NAME",
        help=f"MaxCompute project to create, can be repeated (default: {settings.DEFAULT_PROJECT})",
    )
    parser.add_argument(
        "--studio-workspace",
        default=settings.DEFAULT_STUDIO_WORKSPACE,
        metavar="ID",
        help="ML Studio workspace to create (default: %(default)s)",
    )
    for name, (default, text) in _SECRETS.items():
        if name != "PAGE_TOKEN":
            option = f"--{name.lower().replace('_', '-')}"
            parser.add_argument(option, default=_environment(name) or default, help=text)


def _add_directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--user",
        action="append",
        type=_user,
        metavar="NAME=PASSWORD",
        help="a further principal of the directory, who owns nothing, can be repeated; "
        f"{_PREFIX}USERS takes several, with spaces between them",
    )
    parser.add_argument(
        "--group",
        action="append",
        type=_group,
        default=[],
        metavar="NAME=USER[,USER...]",
        help="a group of the directory, can be repeated",
    )
    parser.add_argument(
        "--client-certificate",
        action="append",
        type=Path,
        default=[],
        metavar="PEM",
        help="certificate of those who may sign in as the access id without its secret, can be repeated",
    )
    parser.add_argument(
        "--token-lifetime",
        type=_positive,
        default=3600,
        metavar="SECONDS",
        help="how long tokens of the directory are good for (default: %(default)s)",
    )


def _environment(name: str) -> str | None:
    return os.environ.get(_PREFIX + name) or None


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "datalake-emulator"


def _port(text: str) -> int:
    port = whole_number(text, most=65535)
    if port is None:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return port


def _positive(text: str) -> int:
    number = whole_number(text, least=1)
    if number is None:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, not {text!r}")
    return number


def _user(text: str) -> tuple[str, str]:
    name, found, password = text.partition("=")
    if not name or not found or not password:
        raise argparse.ArgumentTypeError("expected NAME=PASSWORD")
    return name, password


def _group(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, members = text.partition("=")
    found = tuple(member for member in members.split(",") if member)
    if not name or not found:
        raise argparse.ArgumentTypeError(f"expected NAME=USER[,USER...], not {text!r}")
    return name, found


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, not {text!r}")
    return seconds


def _column(text: str) -> tuple[str, str]:
    name, _, kind = text.partition("=")
    if not name or not kind:
        raise argparse.ArgumentTypeError(f"expected NAME=TYPE, not {text!r}")
    return name, kind


def _users(options: argparse.Namespace) -> tuple[tuple[str, str], ...]:
    texts = (_environment("USERS") or "").split()
    try:
        return (*(_user(text) for text in texts), *(options.user or ()))
    except argparse.ArgumentTypeError as error:
        raise SystemExit(f"datalake-emulator: {_PREFIX}USERS: {error}, with spaces between them") from error


def _fault_rule(text: str) -> FaultRule:
    try:
        return parse_rule(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def find_address(options: argparse.Namespace, running: Running | None) -> tuple[str, int]:
    """
    Tell where the emulator is that a command is for.

    :param options: the options of a command that has an address
    :param running: the emulator that runs in the data directory, which counts where no address is given
    :return: host and port
    """
    if running is not None and running.address and options.host is None and options.port is None:
        found = urlsplit(running.address)
        if found.hostname is not None and found.port is not None:
            return found.hostname, found.port
    port = settings.DEFAULT_PORT if options.port is None else options.port
    return options.host or settings.DEFAULT_HOST, port


def make_config(options: argparse.Namespace, running: Running | None = None) -> Config:
    """
    Make settings of options.

    :param options: the options of a command that has an address and credentials
    :param running: the emulator that runs in the data directory, which counts where no address is given
    :return: the settings
    """
    host, port = find_address(options, running)
    common = {
        "host": host,
        "port": port,
        "projects": tuple(dict.fromkeys(options.project or (settings.DEFAULT_PROJECT,))),
        "access_id": options.access_id,
        "secret": options.secret,
        "bearer_token": options.bearer_token,
        "studio_workspace": options.studio_workspace,
        "studio_token": options.studio_token,
        "studio_second_token": options.studio_second_token,
        "data_dir": options.data_dir,
        "tls_proxy_port": getattr(options, "tls_proxy", None),
    }
    if options.command != "serve":
        return Config(**common)
    return Config(
        page_token=options.page_token,
        workers=options.workers,
        faults=tuple(options.faults),
        fault_seed=options.fault_seed,
        users=_users(options),
        groups=tuple(options.group),
        client_certificates=tuple(options.client_certificate),
        token_seconds=options.token_lifetime,
        repeated_jobs_conflict=options.repeated_jobs == "conflict",
        **common,
    )


_COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "serve": ("run the emulator until it is stopped", _add_serve),
    "env": ("print export lines with Airflow connections for an emulator", _add_env),
    "wait": ("wait until an emulator answers", _add_wait),
    "stop": ("stop the emulator of a data directory", _add_stop),
    "reset": ("make an emulator empty again, running or not", _add_reset),
    "seed": ("bring files into a running emulator: a table, the store, a dataset", _add_seed),
}
