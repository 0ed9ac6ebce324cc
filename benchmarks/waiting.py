"""A thousand waiting jobs in one event loop: one shared poller against one coroutine per job."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from airflow_provider_datalake.jobs.poller import JobPoller
from airflow_provider_datalake.jobs.status import JobState, JobStatus
from benchmarks.report import Row, Section

if TYPE_CHECKING:
    from collections.abc import Collection
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event

    from airflow_provider_datalake.jobs.service import JobService

JOBS = 1000
INTERVAL_SECONDS = 10.0
SAMPLE_SECONDS = 40.0
LAG_SAMPLE_SECONDS = 0.01
LATENCY_SECONDS = 0.05


class _Handler(BaseHTTPRequestHandler):
    """A service that takes its time and says that every job is running."""

    protocol_version = "HTTP/1.1"
    ids = "\n".join(str(number) for number in range(JOBS)).encode()

    def do_GET(self) -> None:
        time.sleep(LATENCY_SECONDS)
        body = self.ids if self.path == "/jobs" else b"running"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


def _serve(address: Queue[int], stop: Event) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    address.put(server.server_port)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(server.serve_forever)
        stop.wait()
        server.shutdown()


class _Listing:
    """The part of a job service that waiting needs, over HTTP."""

    def __init__(self, url: str) -> None:
        import requests

        self.session = requests.Session()
        self.url = url
        self.requests = 0

    def statuses(self, job_ids: Collection[str], since: float) -> dict[str, JobStatus]:
        self.requests += 1
        listed = self.session.get(f"{self.url}/jobs", timeout=30).text.split("\n")
        return {job_id: JobStatus(job_id, JobState.RUNNING) for job_id in listed if job_id in job_ids}

    def status(self, job_id: str) -> JobStatus:
        self.requests += 1
        self.session.get(f"{self.url}/jobs/{job_id}", timeout=30)
        return JobStatus(job_id, JobState.RUNNING)

    def progress(self, job_id: str) -> tuple[()]:
        return ()


async def _worst_lag(samples: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(LAG_SAMPLE_SECONDS)
        samples.append(time.perf_counter() - began - LAG_SAMPLE_SECONDS)


async def _shared(url: str) -> int:
    service = _Listing(url)

    async def connect() -> JobService:
        return service  # type: ignore[return-value]

    poller = JobPoller(connect)

    async def wait(number: int) -> None:
        async with poller.watch(str(number), time.time(), INTERVAL_SECONDS) as watch:
            while True:
                await watch.next()

    await _for_a_while([wait(number) for number in range(JOBS)])
    return service.requests


async def _each(url: str) -> int:
    service = _Listing(url)

    async def wait(number: int) -> None:
        while True:
            await asyncio.to_thread(service.status, str(number))
            await asyncio.sleep(INTERVAL_SECONDS)

    await _for_a_while([wait(number) for number in range(JOBS)])
    return service.requests


async def _idle(url: str) -> int:
    """Only the measuring itself, whose cost is no part of the figure."""
    await _for_a_while([])
    return 0


STYLES = {"shared": _shared, "each": _each, "idle": _idle}


async def _for_a_while(waiters: list) -> None:
    tasks = [asyncio.create_task(waiter) for waiter in waiters]
    await asyncio.sleep(SAMPLE_SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _measure(style: str, url: str, results: Queue[tuple[float, float, float]]) -> None:
    async def sample() -> tuple[float, float, float]:
        lags: list[float] = []
        watcher = asyncio.create_task(_worst_lag(lags))
        await asyncio.sleep(0.1)
        lags.clear()
        before = resource.getrusage(resource.RUSAGE_SELF)
        count = await STYLES[style](url)
        after = resource.getrusage(resource.RUSAGE_SELF)
        watcher.cancel()
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return count / (SAMPLE_SECONDS / INTERVAL_SECONDS), 100 * busy / SAMPLE_SECONDS, 1000 * max(lags)

    import requests  # noqa: F401  (its import is not part of the figure)

    results.put(asyncio.run(sample()))


def _in_process(style: str, url: str) -> tuple[float, float, float]:
    context = multiprocessing.get_context("spawn")
    results: Queue[tuple[float, float, float]] = context.Queue()
    process = context.Process(target=_measure, args=(style, url, results))
    process.start()
    figures = results.get(timeout=SAMPLE_SECONDS + 60)
    process.join()
    return figures


def run() -> Section:
    """Measure requests per interval, CPU and the event loop's worst lag of both styles."""
    context = multiprocessing.get_context("spawn")
    address: Queue[int] = context.Queue()
    stop = context.Event()
    server = context.Process(target=_serve, args=(address, stop))
    server.start()
    try:
        url = f"http://127.0.0.1:{address.get(timeout=30)}"
        _, idle, _ = _in_process("idle", url)
        calls, cpu, lag = _in_process("shared", url)
        peer_calls, peer_cpu, peer_lag = _in_process("each", url)
        cpu, peer_cpu = max(cpu - idle, 0.0), max(peer_cpu - idle, 0.0)
    finally:
        stop.set()
        server.join()
    return Section(
        f"{JOBS:,} waiting jobs in one event loop",
        [
            Row(
                "requests per interval",
                f"{calls:.1f}",
                f"{peer_calls:.0f}",
                f"{calls / peer_calls:.4f}x",
                "1",
                calls < 1.6,
            ),
            Row(
                "CPU of one core",
                f"{cpu:.2f} %",
                f"{peer_cpu:.2f} %",
                f"{cpu / peer_cpu:.2f}x",
                "0.5 %",
                cpu <= 0.5,
            ),
            Row(
                "worst lag of the loop",
                f"{lag:.0f} ms",
                f"{peer_lag:.0f} ms",
                f"{lag / peer_lag:.2f}x",
                "50 ms",
                lag <= 50,
            ),
        ],
        [
            (
                f"Interval {INTERVAL_SECONDS:.0f} s, sample {SAMPLE_SECONDS:.0f} s from the first poll on, "
                f"the service answers after {1000 * LATENCY_SECONDS:.0f} ms; peer: one coroutine per job, "
                f"`asyncio.to_thread` with requests. The {idle:.1f} % that the measuring itself takes are "
                "subtracted from both."
            )
        ],
    )
