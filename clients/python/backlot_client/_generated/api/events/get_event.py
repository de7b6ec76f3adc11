from urllib.parse import quote

import httpx

from .... import _calls
from ...models.api_key_created_event import ApiKeyCreatedEvent
from ...models.api_key_revoked_event import ApiKeyRevokedEvent
from ...models.api_key_rotated_event import ApiKeyRotatedEvent
from ...models.api_key_updated_event import ApiKeyUpdatedEvent
from ...models.asset_created_event import AssetCreatedEvent
from ...models.asset_deleted_event import AssetDeletedEvent
from ...models.batch_completed_event import BatchCompletedEvent
from ...models.credits_exhausted_event import CreditsExhaustedEvent
from ...models.credits_granted_event import CreditsGrantedEvent
from ...models.credits_low_event import CreditsLowEvent
from ...models.task_canceled_event import TaskCanceledEvent
from ...models.task_created_event import TaskCreatedEvent
from ...models.task_failed_event import TaskFailedEvent
from ...models.task_progress_event import TaskProgressEvent
from ...models.task_started_event import TaskStartedEvent
from ...models.task_succeeded_event import TaskSucceededEvent
from ...models.webhook_endpoint_disabled_event import WebhookEndpointDisabledEvent


def _parse(
    response: httpx.Response,
) -> (
    ApiKeyCreatedEvent
    | ApiKeyRevokedEvent
    | ApiKeyRotatedEvent
    | ApiKeyUpdatedEvent
    | AssetCreatedEvent
    | AssetDeletedEvent
    | BatchCompletedEvent
    | CreditsExhaustedEvent
    | CreditsGrantedEvent
    | CreditsLowEvent
    | TaskCanceledEvent
    | TaskCreatedEvent
    | TaskFailedEvent
    | TaskProgressEvent
    | TaskStartedEvent
    | TaskSucceededEvent
    | WebhookEndpointDisabledEvent
):
    def _parse_response_200(
        data: object,
    ) -> (
        ApiKeyCreatedEvent
        | ApiKeyRevokedEvent
        | ApiKeyRotatedEvent
        | ApiKeyUpdatedEvent
        | AssetCreatedEvent
        | AssetDeletedEvent
        | BatchCompletedEvent
        | CreditsExhaustedEvent
        | CreditsGrantedEvent
        | CreditsLowEvent
        | TaskCanceledEvent
        | TaskCreatedEvent
        | TaskFailedEvent
        | TaskProgressEvent
        | TaskStartedEvent
        | TaskSucceededEvent
        | WebhookEndpointDisabledEvent
    ):
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_0 = TaskCreatedEvent.from_dict(data)

            return response_200_type_0
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_1 = TaskStartedEvent.from_dict(data)

            return response_200_type_1
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_2 = TaskProgressEvent.from_dict(data)

            return response_200_type_2
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_3 = TaskSucceededEvent.from_dict(data)

            return response_200_type_3
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_4 = TaskFailedEvent.from_dict(data)

            return response_200_type_4
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_5 = TaskCanceledEvent.from_dict(data)

            return response_200_type_5
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_6 = BatchCompletedEvent.from_dict(data)

            return response_200_type_6
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_7 = AssetCreatedEvent.from_dict(data)

            return response_200_type_7
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_8 = AssetDeletedEvent.from_dict(data)

            return response_200_type_8
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_9 = CreditsGrantedEvent.from_dict(data)

            return response_200_type_9
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_10 = CreditsLowEvent.from_dict(data)

            return response_200_type_10
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_11 = CreditsExhaustedEvent.from_dict(data)

            return response_200_type_11
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_12 = ApiKeyCreatedEvent.from_dict(data)

            return response_200_type_12
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_13 = ApiKeyUpdatedEvent.from_dict(data)

            return response_200_type_13
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_14 = ApiKeyRotatedEvent.from_dict(data)

            return response_200_type_14
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        try:
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_15 = ApiKeyRevokedEvent.from_dict(data)

            return response_200_type_15
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        if not isinstance(data, dict):
            raise TypeError()
        response_200_type_16 = WebhookEndpointDisabledEvent.from_dict(data)

        return response_200_type_16

    response_200 = _parse_response_200(response.json())

    return response_200


def get_event(
    event_id: str,
) -> _calls.Call[
    ApiKeyCreatedEvent
    | ApiKeyRevokedEvent
    | ApiKeyRotatedEvent
    | ApiKeyUpdatedEvent
    | AssetCreatedEvent
    | AssetDeletedEvent
    | BatchCompletedEvent
    | CreditsExhaustedEvent
    | CreditsGrantedEvent
    | CreditsLowEvent
    | TaskCanceledEvent
    | TaskCreatedEvent
    | TaskFailedEvent
    | TaskProgressEvent
    | TaskStartedEvent
    | TaskSucceededEvent
    | WebhookEndpointDisabledEvent
]:
    """Read one event."""

    return _calls.Call(
        "GET",
        "/v1/events/{event_id}".format(
            event_id=quote(str(event_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
