"""Commands on plans: how much a workspace may have running and waiting."""

import asyncio
from typing import Annotated

import typer

from app.cli.context import CommandFailed, settings_with_database, transaction


def list_plans() -> None:
    """Show every plan with its limits."""
    settings = settings_with_database()

    async def show() -> None:
        from app.plans import service

        async with transaction(settings) as session:
            for plan in await service.list_plans(session):
                print(f"{plan.name:12} {plan.running_tasks:>8} running {plan.queued_tasks:>8} queued")

    asyncio.run(show())


def set_plan(
    name: Annotated[str, typer.Argument(help="Made if there is no such plan.")],
    running: Annotated[int, typer.Option(min=1, help="Tasks of one workspace worked on at once.")],
    queued: Annotated[int, typer.Option(min=1, help="Tasks of one workspace that may wait besides.")],
) -> None:
    """Set the limits of a plan, for all its workspaces at once."""
    settings = settings_with_database()

    async def change() -> None:
        from app.plans import service

        async with transaction(settings) as session:
            await service.set_plan(session, name, running_tasks=running, queued_tasks=queued)

    asyncio.run(change())


def assign_plan(
    email: Annotated[str, typer.Argument(help="Whose personal workspace.")],
    name: Annotated[str, typer.Argument(help="One of `backlot plans list`.")],
) -> None:
    """Put a user's personal workspace on a plan, at once."""
    settings = settings_with_database()

    async def assign() -> None:
        from app.plans import service

        async with transaction(settings) as session:
            try:
                await service.assign_plan(session, email, name)
            except LookupError as fault:
                raise CommandFailed(str(fault)) from fault

    asyncio.run(assign())
