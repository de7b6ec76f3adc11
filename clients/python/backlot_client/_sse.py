"""Server-sent events, as the WHATWG's HTML standard has them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it was sent. `id` is the Last-Event-ID after it."""

    id: str | None
    event: str
    data: str


class Parser:
    """Of one connection: bytes in, messages out. A message that was cut off is dropped."""

    def __init__(self, last_event_id: str | None = None) -> None:
        self.last_event_id = last_event_id
        self.retry: float | None = None
        """Seconds before connecting again, where the server said so."""
        self._rest = b""
        self._is_first = True
        self._event = ""
        self._id = last_event_id
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Message]:
        found: list[Message] = []
        self._rest += chunk
        # A carriage return at the end may be half of a line end.
        held = b"\r" if self._rest.endswith(b"\r") else b""
        whole = self._rest[: len(self._rest) - len(held)]
        *lines, last = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = last + held
        for line in lines:
            if not line:
                found += self._dispatch()
            else:
                self._take(line.decode(errors="replace"))
        return found

    def _take(self, line: str) -> None:
        if self._is_first:
            line, self._is_first = line.removeprefix("\ufeff"), False
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value or None
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value) / 1000

    def _dispatch(self) -> list[Message]:
        """Without data it only moves the Last-Event-ID."""
        event, data = self._event, self._data
        self._event, self._data = "", []
        self.last_event_id = self._id
        return [Message(self._id, event or "message", "\n".join(data))] if data else []
