"""The command line without servers."""

from pathlib import Path

from tests.embedded.dev import backlot


def test_help_lists_the_commands(tmp_path: Path) -> None:
    shown = backlot("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for command in ("dev", "serve", "worker", "migrate", "keys", "credits", "ledger", "demo"):
        assert f"\n  {command} " in shown.stdout
    assert "prepare" not in shown.stdout


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    failed = backlot("ledger", "verify", cwd=tmp_path)
    assert failed.returncode == 1
    assert "BACKLOT_DATABASE_URL" in failed.stderr
    assert failed.stderr.count("\n") == 1


def test_a_wrong_setting_is_named_in_one_line(tmp_path: Path) -> None:
    failed = backlot("migrate", cwd=tmp_path, env={"BACKLOT_API_PORT": "many"})
    assert failed.returncode == 1
    assert "api.port" in failed.stderr
    assert "Traceback" not in failed.stderr
