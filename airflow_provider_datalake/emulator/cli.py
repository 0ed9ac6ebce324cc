"""The command line: ``datalake-emulator serve`` and ``datalake-emulator env``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

from airflow_provider_datalake.emulator import config as settings
from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.faults import SERVICES, FaultKind, FaultRule, parse_rule
from airflow_provider_datalake.emulator.numbers import whole_number

_PREFIX = "DATALAKE_EMULATOR_"


def main(arguments: list[str] | None = None) -> int:
    """
    Run the command line.

    :param arguments: what follows the program's name; the process's own when None
    :return: the exit code
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    config = _config(options)
    if options.command == "env":
        found = connections(config)
        if config.tls_proxy_port is not None:
            found = {**found, **real_connections(config), **proxy_variables(config)}
        for name, value in found.items():
            print(f"export {name}={shlex.quote(value)}")
        return 0
    # The server's imports are only needed to serve.
    from airflow_provider_datalake.emulator.server import StartError, serve

    try:
        serve(config)
    except StartError as error:
        print(f"datalake-emulator: {error}", file=sys.stderr)
        return 1
    return 0


def connections(config: Config) -> dict[str, str]:
    """
    Build the Airflow connections that point at an emulator.

    :param config: the emulator's settings
    :return: JSON connections by the name of their environment variable
    """
    host = f"[{config.host}]" if ":" in config.host else config.host
    address = f"http://{host}:{config.port}"
    maxcompute = {
        "conn_type": "odps",
        "host": f"{address}/api",
        "login": config.access_id,
        "password": config.secret,
        "extra": {"project": config.projects[0]},
    }
    azure = {
        "bearer_token": config.bearer_token,
        "subscription_id": settings.DEFAULT_SUBSCRIPTION,
        "resource_group": settings.DEFAULT_RESOURCE_GROUP,
        "resource_manager_url": f"{address}/arm",
    }
    analytics = {"conn_type": "adla", "host": f"{address}/adla/{config.account}", "extra": azure}
    store = {"conn_type": "adls_gen1", "host": f"{address}/adls/{config.account}", "extra": azure}
    found = {"ODPS_DEFAULT": maxcompute, "ADLA_DEFAULT": analytics, "ADLS_GEN1_DEFAULT": store}
    return {
        f"AIRFLOW_CONN_{name}": json.dumps(fields, separators=(",", ":")) for name, fields in found.items()
    }


def real_connections(config: Config) -> dict[str, str]:
    """
    Build the Airflow connections that name the real hosts, for clients behind the TLS proxy.

    :param config: the emulator's settings
    :return: JSON connections by the name of their environment variable
    """
    azure = {
        "login": config.access_id,
        "password": config.secret,
        "extra": {
            "tenant_id": config.tenant,
            "subscription_id": settings.DEFAULT_SUBSCRIPTION,
            "resource_group": settings.DEFAULT_RESOURCE_GROUP,
        },
    }
    analytics = {"conn_type": "adla", "host": f"{config.account}.azuredatalakeanalytics.net", **azure}
    store = {"conn_type": "adls_gen1", "host": f"{config.account}.azuredatalakestore.net", **azure}
    found = {"ADLA_DEFAULT": analytics, "ADLS_GEN1_DEFAULT": store}
    return {
        f"AIRFLOW_CONN_{name}": json.dumps(fields, separators=(",", ":")) for name, fields in found.items()
    }


def proxy_variables(config: Config) -> dict[str, str]:
    """
    Build the variables that lead a client through the TLS proxy.

    :param config: the emulator's settings
    :return: value by variable
    """
    authority = str((config.tls_dir / "ca.pem").resolve())
    return {
        "HTTPS_PROXY": f"http://127.0.0.1:{config.tls_proxy_port}",
        "REQUESTS_CA_BUNDLE": authority,
        "SSL_CERT_FILE": authority,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="datalake-emulator",
        description="A local server that speaks the protocols of MaxCompute and of Azure's data lake.",
        epilog=(
            f"Credentials can also be set as {_PREFIX}ACCESS_ID, {_PREFIX}SECRET, {_PREFIX}BEARER_TOKEN and "
            f"{_PREFIX}PAGE_TOKEN, which keeps them out of the list of processes."
        ),
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the emulator until it is stopped")
    env = commands.add_parser("env", help="print export lines with Airflow connections for an emulator")
    for command in (serve, env):
        _add_common(command)
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
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=_default_data_dir(),
        help="where everything is kept (default: %(default)s)",
    )
    parser.add_argument(
        "--tls-proxy",
        type=_port,
        nargs="?",
        const=settings.DEFAULT_TLS_PROXY_PORT,
        metavar="PORT",
        help="a CONNECT proxy that stands for the real host names, "
        f"0 for a free port (default: none; without PORT: {settings.DEFAULT_TLS_PROXY_PORT})",
    )
    parser.add_argument("--host", default=settings.DEFAULT_HOST, help="address (default: %(default)s)")
    parser.add_argument(
        "--port",
        type=_port,
        default=settings.DEFAULT_PORT,
        help="port, 0 for a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--project",
        action="append",
        metavar="NAME",
        help=f"MaxCompute project to create, can be repeated (default: {settings.DEFAULT_PROJECT})",
    )
    parser.add_argument(
        "--access-id", default=_environment("ACCESS_ID") or settings.DEFAULT_ACCESS_ID, help="access id"
    )
    parser.add_argument(
        "--secret", default=_environment("SECRET") or settings.DEFAULT_SECRET, help="its secret"
    )
    parser.add_argument(
        "--bearer-token",
        default=_environment("BEARER_TOKEN") or settings.DEFAULT_BEARER_TOKEN,
        help="bearer token of the account",
    )


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


def _config(options: argparse.Namespace) -> Config:
    common = {
        "host": options.host,
        "port": options.port,
        "projects": tuple(dict.fromkeys(options.project or (settings.DEFAULT_PROJECT,))),
        "access_id": options.access_id,
        "secret": options.secret,
        "bearer_token": options.bearer_token,
        "data_dir": options.data_dir,
        "tls_proxy_port": options.tls_proxy,
    }
    if options.command == "env":
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


if __name__ == "__main__":
    sys.exit(main())
