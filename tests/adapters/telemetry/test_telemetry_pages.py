"""The examples of docs/telemetry do what their pages say."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from factories import make_release
from pilotage.adapters.registry import settings_problems
from pilotage.adapters.telemetry.command import CommandSource
from pilotage.adapters.telemetry.http import HttpSource
from pilotage.core.judging import Arm
from pilotage.core.telemetry import Reading, Watched
from pilotage.manifest.load import load_text
from pilotage.ports import Site, TelemetrySource

ROOT = Path(__file__).parents[3]
OLD, NEW = make_release("1.0"), make_release("2.0")
WATCHED = Watched(service="shop", environment="production", new=NEW, old=OLD)


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / "telemetry" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def settings_of(page: str) -> dict[str, Any]:
    (_, source) = yaml.safe_load(blocks(page, "yaml")[0])["telemetry"]
    return {key: value for key, value in source.items() if key != "kind"}


def read(source: TelemetrySource) -> Reading:
    async def story() -> Reading:
        try:
            return await source.read(WATCHED)
        finally:
            await source.close()

    return asyncio.run(story())


def test_the_manifest_of_the_first_page_is_accepted() -> None:
    manifest = load_text(blocks("README.md", "yaml")[0], "README.md")
    assert manifest.warnings == ()
    assert settings_problems(manifest, "production") == []
    assert [spec.kind for spec in manifest.environment("production").telemetry_specs()] == ["router", "http"]
    assert list(manifest.environment("production").judge_settings().measures) == ["orders"]


@pytest.mark.real
def test_the_document_of_the_http_page_is_read(tmp_path: Path) -> None:
    (document,) = blocks("http.md", "json")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(document)}\r\n\r\n{document}".encode())
        await writer.drain()
        writer.close()

    async def story() -> Reading:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = settings_of("http.md")
        settings["url"] = settings["url"].replace(":9000", f":{port}")
        assert HttpSource.check_settings(settings) == []
        source = HttpSource(Site("shop", "production", tmp_path, tmp_path, settings))
        try:
            return await source.read(WATCHED)
        finally:
            await source.close()
            server.close()

    reading = asyncio.run(story())
    assert (reading.old, reading.new) == (Arm(orders=4100, baskets=5200), Arm(orders=390, baskets=510))
    assert reading.epoch == json.loads(document)["started"]


@pytest.mark.real
def test_the_program_of_the_command_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "x")
    (tmp_path / "figures.py").write_text(blocks("command.md", "python")[0])
    settings = settings_of("command.md") | {"folder": str(tmp_path), "timeout": "4s"}
    assert CommandSource.check_settings(settings) == []
    reading = read(CommandSource(Site("shop", "production", tmp_path, tmp_path, settings)))
    assert (reading.old, reading.new, reading.epoch) == (Arm(orders=4100), Arm(orders=390), "till-1")
