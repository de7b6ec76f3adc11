"""Access tokens of the API's own key, right and wrong ones."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.accounts.sessions.forging import signed, unpacked

if TYPE_CHECKING:
    from tests.accounts.sessions.conftest import Person


@dataclass
class Mint:
    """A good token, taken apart, and the secret it was signed with."""

    person: "Person"
    secret: bytes

    @property
    def text(self) -> str:
        return str(self.person.answer["access_token"])

    @property
    def header(self) -> dict[str, Any]:
        return unpacked(self.text.split(".")[0])

    @property
    def claims(self) -> dict[str, Any]:
        return unpacked(self.text.split(".")[1])

    def made(self, *, without: str = "", header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Signed with the right key, and otherwise as told."""
        kept = {name: value for name, value in (self.claims | claims).items() if name != without}
        return signed(self.header | (header or {}), kept, self.secret)


async def answer_to(http: httpx.AsyncClient, token: str) -> tuple[int, str]:
    answer = await http.get("/v1/credits", headers={"Authorization": f"Bearer {token}".encode()})
    return answer.status_code, answer.json().get("code", "")
