"""Whom GitHub says it is, and when that is not believed."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.accounts.identities.attempts import AttemptSecrets, BegunAttempt, new_secret
from app.accounts.identities.claims import Claims
from app.accounts.identities.errors import OauthProviderUnavailable, OauthRefused
from app.accounts.identities.github import GitHub
from app.core import clock
from app.core.egress import Egress
from app.core.settings import Settings
from tests.accounts.identities.idp import Idp, Person

REDIRECT_URI = "http://127.0.0.1:8000/v1/auth/oauth/github/callback"
SETTINGS = Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def github(idp: Idp, egress: Egress) -> GitHub:
    idp.register("http://127.0.0.1:8000")
    idp.person = Person("90210", "thu@example.vn", name="Thu")
    given = idp.settings()
    return GitHub(egress, **{key: given[f"github_{key}"] for key in ("client_id", "client_secret", "url", "api_url")})


async def signed_in(github: GitHub) -> Claims:
    secrets = AttemptSecrets(SETTINGS, new_secret())
    url = await github.authorize_url(secrets, REDIRECT_URI)
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(url)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    begun = BegunAttempt(secrets, "github", "sign_in", None, False, None, clock.now() - timedelta(seconds=5))
    return await github.identify(code, begun, REDIRECT_URI)


async def test_the_number_is_the_subject_and_the_primary_address_the_address(github: GitHub, idp: Idp) -> None:
    assert await signed_in(github) == Claims("github", f"{idp.origin}/github", "90210", "thu@example.vn", False, "Thu")


@pytest.mark.parametrize(
    "emails",
    [
        ({"email": "thu@example.vn", "primary": True, "verified": False},),
        ({"email": "thu@example.vn", "primary": False, "verified": True},),
        ({"email": "thu@example.vn", "primary": "true", "verified": "true"},),
        ({"primary": True, "verified": True},),
        ("thu@example.vn",),
        (),
    ],
)
async def test_only_a_primary_address_that_is_verified_counts(
    github: GitHub, idp: Idp, emails: tuple[dict[str, object], ...]
) -> None:
    idp.person = Person("90210", emails=emails)
    assert (await signed_in(github)).email is None


async def test_errors_that_come_with_status_200_are_errors(github: GitHub, idp: Idp) -> None:
    idp.fault = "error_200"
    with pytest.raises(OauthRefused):
        await signed_in(github)
    assert idp.asked["user"] == 0


@pytest.mark.parametrize("subject", ["thu-dev", "-5", ""])
async def test_a_user_without_a_number_is_refused(github: GitHub, idp: Idp, subject: str) -> None:
    idp.person = Person(subject, "thu@example.vn")
    with pytest.raises(OauthRefused):
        await signed_in(github)


@pytest.mark.parametrize("kind", ["token", "user", "emails"])
@pytest.mark.parametrize("fault", ["slow", "500", "garbage", "huge", "redirect"])
async def test_a_provider_that_does_not_answer_well_is_unavailable(
    github: GitHub, idp: Idp, kind: str, fault: str
) -> None:
    idp.endpoint_fault = {kind: fault}
    with pytest.raises(OauthProviderUnavailable):
        await signed_in(github)
    idp.endpoint_fault = {}
    assert (await signed_in(github)).subject == "90210"


async def test_questions_name_the_version_of_the_api(github: GitHub, idp: Idp) -> None:
    await signed_in(github)
    asked = {kind: headers for kind, headers in idp.requests if kind in ("user", "emails")}
    for headers in asked.values():
        assert headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert headers["User-Agent"] == "Backlot/1"
