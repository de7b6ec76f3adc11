"""Who somebody is elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider told us, just now and in a way that can be believed, of who signed in there."""

    provider: str
    issuer: str
    subject: str
    email: str | None
    """One the provider verified, then or long ago; None if it has none such."""
    is_authoritative: bool
    """Whether the provider knows that the address is this person's today: it runs the mailbox, or their company does
    by it."""
    name: str | None = None
    locale: str | None = None
