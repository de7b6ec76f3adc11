"""How many files and connections a process may have open."""

import resource

ENOUGH = 65_536


def allow_many() -> int:
    """Raise this process's limit as far as the system lets it, within reason; what it is then.

    Many systems begin with 1,024, and each client that waits or streams is a connection.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft
