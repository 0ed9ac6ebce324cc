"""The command line: ``datalake-emulator serve``, ``env``, ``wait``, ``stop``, ``reset`` and ``seed``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.commands import control
from airflow_provider_datalake.emulator.commands.connections import (
    address_of,
    connections,
    make_address,
    proxy_variables,
    real_connections,
)
from airflow_provider_datalake.emulator.commands.control import CommandError
from airflow_provider_datalake.emulator.commands.options import find_address, make_config, make_parser
from airflow_provider_datalake.emulator.run_file import find_running

if TYPE_CHECKING:
    import argparse

    from airflow_provider_datalake.emulator.config import Config


def main(arguments: list[str] | None = None) -> int:
    """
    Run the command line.

    :param arguments: what follows the program's name; the process's own when None
    :return: the exit code
    """
    options = make_parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except CommandError as error:
        print(f"datalake-emulator: {error}", file=sys.stderr)
        return error.code


def _serve(options: argparse.Namespace) -> int:
    config = make_config(options)
    if options.detach and options.end_with_stdin:
        raise CommandError("--detach leaves standard input, --end-with-stdin needs it: give one of them", 2)
    if not options.detach:
        if options.end_with_stdin:
            control.end_with_stdin()
        return _run_server(config)
    print(control.detach(config.data_dir, lambda: _run_server(config)), end="")
    return 0


def _run_server(config: Config) -> int:
    # The server's imports are only needed to serve.
    from airflow_provider_datalake.emulator.server import StartError, serve

    try:
        serve(config)
    except StartError as error:
        print(f"datalake-emulator: {error}", file=sys.stderr)
        return 1
    return 0


def _env(options: argparse.Namespace) -> int:
    running = find_running(options.data_dir)
    config = make_config(options, running)
    if config.tls_proxy_port is not None and running is not None and not _is_told(options):
        config = replace(config, tls_proxy_port=running.tls_proxy_port or config.tls_proxy_port)
    found = connections(config)
    if config.tls_proxy_port is not None:
        found = {**found, **real_connections(config), **proxy_variables(config)}
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _wait(options: argparse.Namespace) -> int:
    def find() -> str | None:
        running = find_running(options.data_dir)
        if _is_told(options) or (running is not None and running.address):
            return make_address(*find_address(options, running))
        return None

    what = make_address(*find_address(options, None)) if _is_told(options) else f"in {options.data_dir}"
    address = control.await_health(find, f"the emulator {what}", options.timeout)
    print(f"datalake-emulator answers at {address}")
    return 0


def _stop(options: argparse.Namespace) -> int:
    stopped = control.stop(options.data_dir, options.timeout)
    print(f"datalake-emulator at {stopped.address} has stopped")
    return 0


def _reset(options: argparse.Namespace) -> int:
    running = find_running(options.data_dir)
    if running is None and not _is_told(options):
        control.reset_offline(options.data_dir)
        print(f"datalake-emulator: {options.data_dir} is empty")
        return 0
    config = make_config(options, running)
    control.reset_running(address_of(config), config.bearer_token)
    print(f"datalake-emulator at {address_of(config)} is empty")
    return 0


def _seed(options: argparse.Namespace) -> int:
    from airflow_provider_datalake.emulator.commands.seeding import seed

    running = find_running(options.data_dir)
    config = make_config(options, running)
    address = address_of(config)
    if running is None and not _is_told(options):
        raise CommandError(
            f"no emulator runs in {options.data_dir}: start one, or give --port", control.NOT_RUNNING
        )
    if not control.is_healthy(address):
        raise CommandError(f"no emulator answers at {address}", control.NOT_RUNNING)
    print(
        seed(
            config,
            options.source,
            table=options.table,
            path=options.path,
            dataset=options.dataset,
            columns=dict(options.column),
            data_type_id=options.format,
        )
    )
    return 0


def _is_told(options: argparse.Namespace) -> bool:
    """Whether the command line says itself where the emulator is, not the data directory."""
    return options.host is not None or options.port is not None


_COMMANDS = {
    "serve": _serve,
    "env": _env,
    "wait": _wait,
    "stop": _stop,
    "reset": _reset,
    "seed": _seed,
}


if __name__ == "__main__":
    sys.exit(main())
