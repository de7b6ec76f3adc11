"""Reading answers of servers that are not quite right, where the status alone tells what became of a request."""

import functools

import aiohttp
from aiohttp.client_proto import ResponseHandler

_NO_CONTENT = (b"HTTP/1.1 204", b"HTTP/1.0 204")


class Forgiving(ResponseHandler):
    """A 204 has no body (RFC 9110, 15.3.5); hand-written servers send one. Strictly read, that is no answer at all."""

    def data_received(self, data: bytes) -> None:
        if data.startswith(_NO_CONTENT):
            head, end, _ = data.partition(b"\r\n\r\n")
            data = head + end
        super().data_received(data)


def forgive(connector: aiohttp.BaseConnector) -> None:
    """Have the connector's connections read so."""
    setattr(connector, "_factory", functools.partial(Forgiving, loop=connector._loop))  # noqa: B010  its type is narrower
