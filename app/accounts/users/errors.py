"""Why an address is not taken for its owner's."""

from app.core.problems import Problem


class MailboxFull(Problem):
    """The mailbox of this address has as many accounts here as it may have.

    Addresses of one mailbox differ by what follows a `+` or, at Gmail, by dots. Sign in to one of its accounts: a
    provider can be linked there. Or make room by giving one of them another address, and do this again.
    """

    status = 409
