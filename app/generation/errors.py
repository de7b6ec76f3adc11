"""Why a task cannot be ordered, found or changed."""

from typing import Any

from app.core.problems import Problem

RETRY_SECONDS = 5


class UnknownOperation(Problem):
    """There is no such operation.

    `GET /v1/operations` lists them.
    """

    status = 422


class UnknownModel(Problem):
    """No enabled provider offers this model for this operation.

    `GET /v1/operations` lists the models of each; `auto` chooses one.
    """

    status = 422


class UnknownPreset(Problem):
    """There is no such preset.

    `GET /v1/presets` lists them.
    """

    status = 422


class UnsupportedParameter(Problem):
    """The model does not honour this parameter, or not with this value.

    `models` lists those that do: name one of them, leave the parameter out, or give a value the model takes.
    """

    status = 422


class ProviderNotConfigured(Problem):
    """The provider is enabled here, but not configured.

    The operator has to set what `detail` says, and to restart; or order from another provider.
    """

    status = 503


class WebhookUrlNotAllowed(Problem):
    """Nothing can be sent to this URL.

    It has to be https, without user name and password, and lead to a public address.
    """

    status = 422


class TooManyTasks(Problem):
    """The workspace has as many tasks waiting as its plan allows.

    Nothing was held. Order again after the seconds in `Retry-After`, when some have ended, or take a larger plan.
    """

    status = 429

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(RETRY_SECONDS)}, **facts)


class TaskNotFound(Problem):
    """There is no such task in this workspace."""

    status = 404


class TaskEnded(Problem):
    """The task has ended, so it cannot be canceled."""

    status = 409


class TaskNotEnded(Problem):
    """The task has not ended yet.

    Cancel it first, or wait for its end.
    """

    status = 409


class TaskNotRetryable(Problem):
    """Only a failed or canceled task can be tried again."""

    status = 409


class CallbackRefused(Problem):
    """The callback is not signed as its provider signs.

    It changed nothing. Providers that sign their callbacks have to do so each time, with a clock that is right.
    """

    status = 403
