"""A real Prometheus, and exporter processes that show what a test writes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from servers import binary, end, until

from ports import free_port

TEXT = "text/plain; version=0.0.4"
SCRAPE = "200ms"


class Exporter:
    """One process with a page of metrics. Every page carries its number, to know when it was scraped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.port = free_port()
        self.number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.write("")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def write(self, text: str) -> None:
        """Metrics in the text format."""
        self.number += 1
        self.put(f"{text}\nbench_page {self.number}\n".encode(), TEXT)

    def put(self, page: bytes, content_type: str) -> None:
        for name, content in (("type", content_type.encode()), ("page", page)):
            fresh = self.folder / f"{name}.fresh"
            fresh.write_bytes(content)
            os.replace(fresh, self.folder / name)

    def start(self) -> None:
        script = Path(__file__).with_name("exporter.py")
        self._process = subprocess.Popen([sys.executable, str(script), str(self.folder), str(self.port)])

        def answers() -> bool:
            with suppress(OSError):
                return urllib.request.urlopen(f"http://{self.address}/", timeout=5).status == 200
            return False

        until(answers, "the exporter's start")

    def stop(self) -> None:
        end(self._process)


class Prometheus:
    """Entered, it runs. ``targets``: (job, exporter) that it scrapes; ``configure`` changes them."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._binary = binary("prometheus", "prometheus")
        self.folder = folder
        self.port = free_port()
        self.options = options
        self.exporters: list[Exporter] = []
        self.targets: list[tuple[str, Exporter]] = []
        self.relabel: Sequence[Mapping[str, Any]] = ()
        self.others: dict[str, Any] = {}
        self._opener = urllib.request.build_opener()
        self._scheme = "http"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def opened_by(self, opener: urllib.request.OpenerDirector, scheme: str, user: tuple[str, str]) -> None:
        """How the bench itself asks a server that does not answer everybody."""
        self._opener, self._scheme = opener, scheme
        words = base64.b64encode(":".join(user).encode()).decode()
        opener.addheaders = [("Authorization", f"Basic {words}")]

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def close(self) -> None:
        self.stop()
        for exporter in self.exporters:
            exporter.stop()

    def exporter(self, name: str, *jobs: str) -> Exporter:
        """A fresh one, running; scraped by each of the jobs (else by ``shop``). Before Prometheus runs."""
        made = Exporter(self.folder / name)
        self.exporters.append(made)
        made.start()
        self.targets += [(job, made) for job in jobs or ("shop",)]
        return made

    def configure(
        self, targets: Sequence[tuple[str, Exporter]], relabel: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Other targets, or other labels, while it runs: it takes up to five seconds to follow."""
        self.targets, self.relabel = list(targets), relabel
        self._write()
        self._opener.open(urllib.request.Request(f"{self.url}/-/reload", method="POST"), timeout=30)

    def scraped(self, *exporters: Exporter) -> None:
        """Returns when the pages that these show now were scraped."""
        for exporter in exporters or [exporter for _, exporter in self.targets]:
            query = f'bench_page{{instance="{exporter.address}"}} == {exporter.number}'
            until(lambda asked=query: self.query(asked), f"a scrape of {exporter.folder.name}")

    def query(self, query: str) -> list[Any]:
        asked = urllib.parse.urlencode({"query": query})
        with self._opener.open(f"{self.url}/api/v1/query?{asked}", timeout=30) as answer:
            return list(json.load(answer)["data"]["result"])

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                self._binary,
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--web.enable-lifecycle",
                "--log.level=error",
                *self.options,
            ],
            cwd=self.folder,
        )

        def ready() -> bool:
            with suppress(OSError):
                return self._opener.open(f"{self.url}/-/ready", timeout=5).status == 200
            return False

        until(ready, "the start of Prometheus")

    def stop(self) -> None:
        end(self._process)

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def _write(self) -> None:
        jobs: dict[str, list[str]] = {}
        for job, exporter in self.targets:
            jobs.setdefault(job, []).append(exporter.address)
        config = {
            "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE},
            **self.others,
            "scrape_configs": [
                {
                    "job_name": job,
                    "static_configs": [{"targets": addresses}],
                    "metric_relabel_configs": list(self.relabel),
                }
                for job, addresses in jobs.items()
            ],
        }
        # JSON is YAML.
        (self.folder / "prometheus.yml").write_text(json.dumps(config))
