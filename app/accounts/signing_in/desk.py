"""Where passwords are made and tried: what a process has for it, and in which order it is asked."""

import asyncio
from uuid import UUID

import httpx

from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.models import User
from app.accounts.signing_in import captcha, guards
from app.accounts.signing_in.errors import TooManySignIns
from app.accounts.signing_in.passwords import Hashers, Verdict
from app.accounts.signing_in.strength import Judge
from app.accounts.users import queries as users
from app.accounts.users.queries import PasswordOf
from app.core.db import Database
from app.core.problems import DependencyDown
from app.core.settings import Settings
from app.core.visitor import Visitor


class SignInDesk:
    """One per API process. `client` is the guarded one."""

    def __init__(self, settings: Settings, database: Database, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.database = database
        self.client = client
        self.hashers = Hashers(settings.auth.hash_processes)
        self.judge = Judge(settings.auth.password_score)
        self.room = asyncio.Semaphore(max(1, settings.database.pool_size // 2))
        """For writing of somebody who signs in: however slow the disk is, others find connections to read by."""

    async def close(self) -> None:
        await self.hashers.close()
        await self.judge.close()

    async def get_user(self, user_id: UUID) -> User:
        async with self.database.transaction() as session:
            return await users.get_user(session, user_id)

    async def make(self, password: str, *known: str | None, pointer: str = "/password") -> str:
        """The hash of a new password. Raises InvalidRequest, WeakPassword or TooManySignIns."""
        await self.judge.check(password, *known, pointer=pointer)
        return await self.hashers.hash(password)

    async def try_password(
        self,
        address: str,
        user: User | PasswordOf | None,
        password: str,
        visitor: Visitor,
        *,
        captcha_token: str | None = None,
        asks_captcha: bool = False,
    ) -> Verdict:
        """Whether it is the user's, counted for the lock-out whoever asks: signing in, or confirming.

        Where there is no such user, or none with a password, it is wrong, after as long. Hold no transaction: this may
        wait. Raises TooManyAttempts, CaptchaRequired, CaptchaFailed or TooManySignIns.
        """
        has_captcha, is_human = await self._humanity(captcha_token, visitor) if asks_captcha else (False, False)
        async with self.room:
            attempt = await guards.begin(
                self.database, self.settings, address, visitor, has_captcha=has_captcha, is_human=is_human
            )
        try:
            verdict = await self.hashers.verify(password, user.password_hash if user else None)
        except TooManySignIns:
            await attempt.was_not_tried()
            raise
        if verdict.is_right:
            async with self.room:
                await attempt.was_right()
        elif attempt.is_last and user is not None:
            await self._note_lock(user.id, visitor)
        return verdict

    async def demand_captcha(self, token: str | None, visitor: Visitor, *, or_go_on: bool = False) -> None:
        """Raises CaptchaRequired or CaptchaFailed; DependencyDown when nobody can tell, unless `or_go_on`."""
        try:
            await captcha.demand(self.settings, self.client, token, visitor.ip)
        except DependencyDown:
            if not or_go_on:
                raise

    async def _humanity(self, token: str | None, visitor: Visitor) -> tuple[bool, bool]:
        """Whether captchas can be asked for, and whether one was solved."""
        if not captcha.is_on(self.settings):
            return False, False
        if not token:
            return True, False
        try:
            await captcha.demand(self.settings, self.client, token, visitor.ip)
        except DependencyDown:  # nobody is locked out because the verifier is down
            return False, False
        return True, True

    async def _note_lock(self, user_id: UUID, visitor: Visitor) -> None:
        async with self.database.transaction() as session:
            workspace = await users.get_personal_workspace(session, user_id)
            audit.record(
                session,
                Actor("anonymous", visitor=visitor),
                "sign_in.locked",
                workspace_id=workspace.id,
                target=("user", user_id),
            )
