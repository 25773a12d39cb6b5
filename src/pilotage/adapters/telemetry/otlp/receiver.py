"""HTTP: takes OTLP metrics in, as protobuf or JSON, also zipped, from those who may send.

A thread of its own, so that a slow sender holds up nobody. Source: OpenTelemetry, *OTLP Specification*,
"OTLP/HTTP".
"""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Callable
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from pilotage.core.routing import Address
from pilotage.errors import Problem
from pilotage.ports import TelemetryError

MOST_BYTES = 16 * 1024 * 1024
"""Of one request, also unzipped."""
PATIENCE = 10.0
"""Seconds for a sender to send."""
JSON, PROTOBUF = "application/json", "application/x-protobuf"

Take = Callable[[ExportMetricsServiceRequest], None]
Token = Callable[[], str | None]


class Receiver:
    """Listens from ``start`` to ``stop``."""

    def __init__(self, address: Address, take: Take, token: Token) -> None:
        self._address = address
        self._handler = type(
            "_BoundHandler", (_Handler,), {"take": staticmethod(take), "token": staticmethod(token)}
        )
        self._server: _Server | None = None

    def start(self) -> None:
        """TelemetryError when the address is taken, or none of ours. Once started it stays."""
        if self._server is not None:
            return
        family = _Server6 if ":" in self._address.host else _Server
        try:
            self._server = family((self._address.host, self._address.port), self._handler)
        except OSError as error:
            problem = Problem(
                code="telemetry.address-taken",
                what=f"nothing can be received on {self._address}",
                why=error.strerror or str(error),
                mend="end what listens there (another collector?), or choose another address with `listen`",
            )
            raise TelemetryError(problem) from None
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that goes away in the middle is nobody's trouble but its own."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Refused(Exception):
    """The status to answer with."""


class _Handler(BaseHTTPRequestHandler):
    take: ClassVar[Take]
    token: ClassVar[Token]
    protocol_version = "HTTP/1.1"
    server_version = "pilotage"
    sys_version = ""
    timeout = PATIENCE

    def do_POST(self) -> None:
        try:
            self._authorize()
            if self.path.partition("?")[0] != "/v1/metrics":
                raise _Refused(HTTPStatus.NOT_FOUND)
            kind = self.headers.get_content_type()
            request = _decoded(kind, self._body())
        except _Refused as refused:
            self.close_connection = True  # what was not read is not the next request
            self._answer(refused.args[0], "text/plain", b"")
            return
        type(self).take(request)
        answer = ExportMetricsServiceResponse()
        body = b"{}" if kind == JSON else answer.SerializeToString()
        self._answer(HTTPStatus.OK, kind, body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: headers may hold the token."""

    def _authorize(self) -> None:
        try:
            wanted = type(self).token()
        except TelemetryError:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE) from None
        given = self.headers.get("Authorization", "")
        if wanted is not None and not compare_digest(given.encode(), f"Bearer {wanted}".encode()):
            raise _Refused(HTTPStatus.UNAUTHORIZED)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise _Refused(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MOST_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        match self.headers.get("Content-Encoding", "identity").strip().lower():
            case "identity":
                return body
            case "gzip":
                return _unzipped(body)
            case _:
                raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _unzipped(body: bytes) -> bytes:
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        whole = unzip.decompress(body, MOST_BYTES)
    except zlib.error:
        raise _Refused(HTTPStatus.BAD_REQUEST) from None
    if unzip.unconsumed_tail:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not unzip.eof:
        raise _Refused(HTTPStatus.BAD_REQUEST)
    return whole


def _decoded(kind: str, body: bytes) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    try:
        if kind == PROTOBUF:
            request.ParseFromString(body)
        elif kind == JSON:
            json_format.Parse(body.decode(), request, ignore_unknown_fields=True)
        else:
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError):
        raise _Refused(HTTPStatus.BAD_REQUEST) from None
    return request
