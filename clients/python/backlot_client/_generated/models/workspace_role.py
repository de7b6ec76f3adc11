from typing import Literal, cast

WorkspaceRole = Literal["admin", "member", "owner", "viewer"]


def check_workspace_role(value: str) -> WorkspaceRole:
    return cast(WorkspaceRole, value)
