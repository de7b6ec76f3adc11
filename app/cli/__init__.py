"""The `backlot` command. What a command needs is imported inside it, so that `--help` is quick."""

import os
import sys

import typer

from app.cli import audit, demo, grants, importing, models, people, plans, providers, records, servers
from app.cli import keys as api_keys
from app.cli.failures import in_one_line, is_expected

cli = typer.Typer(
    help="The self-hosted backend behind generative-AI products.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
users = typer.Typer(help="Users.", no_args_is_help=True, callback=lambda: None)
keys = typer.Typer(help="API keys, and the key that signs access tokens.", no_args_is_help=True, callback=lambda: None)
ledger = typer.Typer(help="The credit ledger.", no_args_is_help=True, callback=lambda: None)
log = typer.Typer(help="The audit log.", no_args_is_help=True, callback=lambda: None)
admins = typer.Typer(help="Admins of the installation.", no_args_is_help=True, callback=lambda: None)
purse = typer.Typer(help="Customers' credits.", no_args_is_help=True, callback=lambda: None)
vendors = typer.Typer(help="Providers: who does the work.", no_args_is_help=True, callback=lambda: None)
sold = typer.Typer(help="Models: what is sold, and what it earns.", no_args_is_help=True, callback=lambda: None)
plan = typer.Typer(help="Plans: what a workspace may have at once.", no_args_is_help=True, callback=lambda: None)

for command in (servers.dev, servers.serve, servers.worker, records.migrate, demo.demo):
    cli.command()(command)
cli.command(hidden=True)(records.prepare)
keys.command("create")(api_keys.create_key)
keys.command("list")(api_keys.list_keys)
keys.command("revoke")(api_keys.revoke_key)
keys.command("pattern")(api_keys.show_pattern)
users.command("import")(importing.import_users)
keys.command("rotate-signing")(api_keys.rotate_signing_key)
ledger.command("verify")(records.verify_ledger)
log.command("verify")(audit.verify_audit)
log.command("ends")(audit.list_ends)
admins.command("add")(people.add_admin)
admins.command("remove")(people.remove_admin)
admins.command("list")(people.list_admins)
users.command("suspend")(people.suspend_user)
users.command("reinstate")(people.reinstate_user)
purse.command("grant")(grants.grant)
purse.command("refund")(grants.refund)
plan.command("list")(plans.list_plans)
plan.command("set")(plans.set_plan)
plan.command("assign")(plans.assign_plan)
vendors.command("check")(providers.check_providers)
vendors.command("list")(providers.list_providers)
vendors.command("set")(providers.set_provider)
vendors.command("on")(providers.switch_on)
vendors.command("off")(providers.switch_off)
sold.command("list")(models.list_models)
sold.command("set")(models.set_model)
sold.command("reset")(models.reset_model)
sold.command("on")(models.switch_on)
sold.command("off")(models.switch_off)
sold.command("alias")(models.set_alias)
sold.command("margins")(models.show_margins)
cli.add_typer(keys, name="keys")
cli.add_typer(users, name="users")
cli.add_typer(purse, name="credits")
cli.add_typer(admins, name="admins")
cli.add_typer(ledger, name="ledger")
cli.add_typer(log, name="audit")
cli.add_typer(plan, name="plans")
cli.add_typer(vendors, name="providers")
cli.add_typer(sold, name="models")


def main() -> None:
    """Run the command line; an expected failure is one line on stderr and exit code 1."""
    try:
        cli()
    except Exception as fault:
        if not is_expected(fault) or os.environ.get("BACKLOT_LOG_LEVEL") == "debug":
            raise
        print(f"backlot: {in_one_line(fault)}", file=sys.stderr)
        sys.exit(1)
