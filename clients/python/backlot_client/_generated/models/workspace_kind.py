from typing import Literal, cast

WorkspaceKind = Literal["personal", "team"]


def check_workspace_kind(value: str) -> WorkspaceKind:
    return cast(WorkspaceKind, value)
