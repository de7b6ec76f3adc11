"""Whom Google says it is, and when that is not believed."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.accounts.identities import published
from app.accounts.identities.attempts import AttemptSecrets, BegunAttempt, new_secret
from app.accounts.identities.claims import Claims
from app.accounts.identities.errors import OauthProviderUnavailable, OauthRefused
from app.accounts.identities.google import Google
from app.core import clock
from app.core.egress import Egress
from app.core.settings import Settings
from tests.accounts.identities.id_tokens import SigningKey
from tests.accounts.identities.idp import Idp, Person

REDIRECT_URI = "http://127.0.0.1:8000/v1/auth/oauth/google/callback"
SETTINGS = Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def google(idp: Idp, egress: Egress) -> Google:
    idp.register("http://127.0.0.1:8000")
    given = idp.settings()
    return Google(egress, **{key: given[f"google_{key}"] for key in ("client_id", "client_secret", "issuer")})


async def go(google: Google, secrets: AttemptSecrets) -> dict[str, str]:
    """What the browser comes back with."""
    url = await google.authorize_url(secrets, REDIRECT_URI)
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(url)
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def begun(secrets: AttemptSecrets) -> BegunAttempt:
    return BegunAttempt(secrets, "google", "sign_in", None, False, None, clock.now() - timedelta(seconds=5))


async def signed_in(google: Google) -> Claims:
    secrets = AttemptSecrets(SETTINGS, new_secret())
    back = await go(google, secrets)
    return await google.identify(back["code"], begun(secrets), REDIRECT_URI)


async def test_the_claims_are_those_of_the_token(google: Google, idp: Idp) -> None:
    idp.person = Person("110248495921238986420", "thu@gmail.com", name="Thu")
    assert await signed_in(google) == Claims(
        "google", idp.google_issuer, "110248495921238986420", "thu@gmail.com", True, "Thu"
    )


async def test_the_browser_takes_state_challenge_and_nonce_along(google: Google, idp: Idp) -> None:
    secrets = AttemptSecrets(SETTINGS, new_secret())
    query = parse_qs(urlsplit(await google.authorize_url(secrets, REDIRECT_URI)).query)
    assert query["state"] == [secrets.state]
    assert query["nonce"] == [secrets.nonce]
    assert query["code_challenge"] == [secrets.challenge]
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["openid email profile"]
    assert secrets.secret not in str(query)
    assert secrets.verifier not in str(query)


@pytest.mark.parametrize(
    ("person", "email", "is_authoritative"),
    [
        (Person("1", "thu@gmail.com"), "thu@gmail.com", True),
        (Person("1", "Thu@GMail.com"), "Thu@GMail.com", True),
        (Person("1", "thu@shop.vn", hd="shop.vn"), "thu@shop.vn", True),
        (Person("1", "thu@shop.vn"), "thu@shop.vn", False),
        (Person("1", "thu@shop.vn", hd=""), "thu@shop.vn", False),
        (Person("1", "thu@notgmail.com"), "thu@notgmail.com", False),
        (Person("1", "thu@gmail.com.attacker.example"), "thu@gmail.com.attacker.example", False),
        (Person("1", "thu@gmail.com", email_verified=False), None, False),
        (Person("1", "thu@shop.vn", hd="shop.vn", email_verified=False), None, False),
        (Person("1", "thu@gmail.com", email_verified="true"), None, False),  # type: ignore[arg-type]
        (Person("1"), None, False),
    ],
)
async def test_google_vouches_for_its_own_mailboxes_and_for_companies(
    google: Google, idp: Idp, person: Person, email: str | None, is_authoritative: bool
) -> None:
    idp.person = person
    claims = await signed_in(google)
    assert (claims.email, claims.is_authoritative) == (email, is_authoritative)


FAULTS = [
    *("wrong_nonce", "no_nonce", "wrong_aud", "two_auds", "no_aud", "wrong_azp", "wrong_iss", "no_iss"),
    *("expired", "no_exp", "strange_exp", "issued_before", "issued_in_future", "not_yet_valid"),
    *("long_subject", "no_subject", "number_subject", "no_id_token", "not_a_token"),
    *("hs256_with_public_key", "none", "unknown_kid", "no_kid", "foreign_key", "key_in_header"),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_token_with_a_fault_is_refused(google: Google, idp: Idp, fault: str) -> None:
    idp.fault = fault
    with pytest.raises(OauthRefused):
        await signed_in(google)
    idp.fault = ""
    assert (await signed_in(google)).subject


async def test_google_may_leave_the_scheme_of_its_name_out(egress: Egress) -> None:
    google = Google(egress, client_id="id", client_secret="secret", issuer="https://accounts.google.com")
    assert google.is_issuer("https://accounts.google.com")
    assert not google.is_issuer("https://attacker.example")


async def test_a_new_key_is_looked_for_once_in_a_minute(
    google: Google, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await signed_in(google)
    assert idp.asked["certs"] == 1
    idp.rotate()
    with pytest.raises(OauthRefused):
        await signed_in(google)
    assert idp.asked["certs"] == 1, "the keys were told less than a minute ago"
    pass_time(monkeypatch, published.COOLDOWN_SECONDS)
    assert (await signed_in(google)).subject
    assert idp.asked["certs"] == 2
    idp.fault = "unknown_kid"
    for _ in range(3):
        with pytest.raises(OauthRefused):
            await signed_in(google)
    assert idp.asked["certs"] == 2, "tokens of strangers do not make us ask"


async def test_keys_are_kept_as_long_as_the_issuer_says(
    google: Google, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    idp.max_age = 300
    await signed_in(google)
    pass_time(monkeypatch, 299)
    await signed_in(google)
    assert idp.asked["certs"] == 1
    pass_time(monkeypatch, 2)
    await signed_in(google)
    assert idp.asked["certs"] == 2


async def test_a_key_that_is_not_published_any_more_signs_nobody_in(
    google: Google, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await signed_in(google)
    idp.published = [SigningKey()]
    pass_time(monkeypatch, 3601)
    with pytest.raises(OauthRefused):
        await signed_in(google)


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = published.monotonic
    monkeypatch.setattr(published, "monotonic", lambda: now() + seconds)


@pytest.mark.parametrize("kind", ["discovery", "token", "certs"])
@pytest.mark.parametrize("fault", ["slow", "500", "garbage", "a_list", "huge", "redirect"])
async def test_a_provider_that_does_not_answer_well_is_unavailable(
    google: Google, idp: Idp, kind: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    idp.endpoint_fault = {kind: fault}
    with pytest.raises(OauthProviderUnavailable):
        await signed_in(google)
    idp.endpoint_fault = {}
    pass_time(monkeypatch, published.PAUSE_SECONDS)
    assert (await signed_in(google)).subject


async def test_a_document_that_failed_is_not_asked_for_again_at_once(google: Google, idp: Idp) -> None:
    idp.endpoint_fault = {"discovery": "500"}
    for _ in range(3):
        with pytest.raises(OauthProviderUnavailable):
            await signed_in(google)
    assert idp.asked["discovery"] == 1


async def test_endpoints_of_another_issuer_are_not_taken(google: Google, idp: Idp) -> None:
    idp.fault = "foreign_discovery"
    with pytest.raises(OauthProviderUnavailable):
        await signed_in(google)
    assert idp.asked.keys() == {"discovery"}


async def test_a_code_is_good_once(google: Google) -> None:
    secrets = AttemptSecrets(SETTINGS, new_secret())
    code = (await go(google, secrets))["code"]
    await google.identify(code, begun(secrets), REDIRECT_URI)
    with pytest.raises(OauthRefused):
        await google.identify(code, begun(secrets), REDIRECT_URI)


async def test_a_code_of_another_browser_is_of_no_use(google: Google) -> None:
    """It has another verifier, whatever else an attacker got hold of."""
    code = (await go(google, AttemptSecrets(SETTINGS, new_secret())))["code"]
    mine = AttemptSecrets(SETTINGS, new_secret())
    with pytest.raises(OauthRefused):
        await google.identify(code, begun(mine), REDIRECT_URI)


async def test_the_way_to_the_provider_is_guarded(idp: Idp) -> None:
    it = Egress(SETTINGS)
    google = Google(it, client_id="id", client_secret="secret", issuer=idp.google_issuer)
    with pytest.raises(OauthProviderUnavailable):
        await google.authorize_url(AttemptSecrets(SETTINGS, new_secret()), REDIRECT_URI)
    await it.aclose()
    assert not idp.asked


async def test_an_issuer_may_end_with_a_slash(idp: Idp, egress: Egress) -> None:
    """As it is written in its tokens; the way to its document is the same."""
    given = idp.settings()
    made = Google(egress, client_id="a", client_secret="b", issuer=f"{given['google_issuer']}/")
    with pytest.raises(OauthProviderUnavailable):  # the one that plays here writes itself without
        await made.authorize_url(AttemptSecrets(SETTINGS, new_secret()), REDIRECT_URI)
    assert idp.asked["discovery"] == 1
    assert made.is_issuer(f"{given['google_issuer']}/")
