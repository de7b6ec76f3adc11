"""Contains all the data models used in inputs/outputs"""

from .admin_membership_read import AdminMembershipRead
from .admin_membership_read_kind import AdminMembershipReadKind
from .admin_membership_read_role import AdminMembershipReadRole
from .admin_user_detail import AdminUserDetail
from .admin_user_detail_role import AdminUserDetailRole
from .admin_user_detail_status import AdminUserDetailStatus
from .admin_user_read import AdminUserRead
from .admin_user_read_role import AdminUserReadRole
from .admin_user_read_status import AdminUserReadStatus
from .api_key_create import ApiKeyCreate
from .api_key_create_mode_type_0 import ApiKeyCreateModeType0
from .api_key_created_event import ApiKeyCreatedEvent
from .api_key_created_event_mode import ApiKeyCreatedEventMode
from .api_key_read import ApiKeyRead
from .api_key_read_mode import ApiKeyReadMode
from .api_key_revoked_event import ApiKeyRevokedEvent
from .api_key_revoked_event_mode import ApiKeyRevokedEventMode
from .api_key_rotate import ApiKeyRotate
from .api_key_rotated_event import ApiKeyRotatedEvent
from .api_key_rotated_event_mode import ApiKeyRotatedEventMode
from .api_key_secret import ApiKeySecret
from .api_key_secret_mode import ApiKeySecretMode
from .api_key_update import ApiKeyUpdate
from .api_key_updated_event import ApiKeyUpdatedEvent
from .api_key_updated_event_mode import ApiKeyUpdatedEventMode
from .asset_created import AssetCreated
from .asset_created_event import AssetCreatedEvent
from .asset_created_event_mode import AssetCreatedEventMode
from .asset_deleted_event import AssetDeletedEvent
from .asset_deleted_event_mode import AssetDeletedEventMode
from .asset_kind import AssetKind
from .asset_read import AssetRead
from .asset_snapshot import AssetSnapshot
from .asset_source import AssetSource
from .asset_update import AssetUpdate
from .asset_urls import AssetUrls
from .attempt_error import AttemptError
from .attempt_error_code import AttemptErrorCode
from .attempt_read import AttemptRead
from .attempt_request import AttemptRequest
from .attempt_response import AttemptResponse
from .attempt_shown import AttemptShown
from .attempt_status import AttemptStatus
from .audit_actor import AuditActor
from .audit_entry_read import AuditEntryRead
from .audit_target import AuditTarget
from .batch_completed_event import BatchCompletedEvent
from .batch_completed_event_mode import BatchCompletedEventMode
from .batch_create import BatchCreate
from .batch_item_create import BatchItemCreate
from .batch_item_error import BatchItemError
from .batch_item_read import BatchItemRead
from .batch_read import BatchRead
from .batch_read_status import BatchReadStatus
from .batch_shown import BatchShown
from .batch_shown_status import BatchShownStatus
from .batch_summary import BatchSummary
from .begin_oauth_provider import BeginOauthProvider
from .breach_read import BreachRead
from .budget_given import BudgetGiven
from .budget_given_period import BudgetGivenPeriod
from .budget_read import BudgetRead
from .budget_read_period import BudgetReadPeriod
from .confirm import Confirm
from .confirmation_read import ConfirmationRead
from .confirmation_read_status import ConfirmationReadStatus
from .credits_exhausted_event import CreditsExhaustedEvent
from .credits_exhausted_event_mode import CreditsExhaustedEventMode
from .credits_granted import CreditsGranted
from .credits_granted_event import CreditsGrantedEvent
from .credits_granted_event_mode import CreditsGrantedEventMode
from .credits_low_event import CreditsLowEvent
from .credits_low_event_mode import CreditsLowEventMode
from .credits_read import CreditsRead
from .credits_settings import CreditsSettings
from .credits_update import CreditsUpdate
from .deletion_order import DeletionOrder
from .deletion_read import DeletionRead
from .delivery_read import DeliveryRead
from .delivery_shown import DeliveryShown
from .delivery_status import DeliveryStatus
from .disabled_reason import DisabledReason
from .email_change import EmailChange
from .email_change_read import EmailChangeRead
from .email_change_read_status import EmailChangeReadStatus
from .email_verification import EmailVerification
from .endpoint_status import EndpointStatus
from .error_code import ErrorCode
from .event_page import EventPage
from .export_read import ExportRead
from .export_read_status import ExportReadStatus
from .finish_oauth_provider import FinishOauthProvider
from .grant_kind import GrantKind
from .grant_read import GrantRead
from .identity_confirm import IdentityConfirm
from .identity_read import IdentityRead
from .identity_token import IdentityToken
from .invitation_create import InvitationCreate
from .invitation_read import InvitationRead
from .invitation_shown import InvitationShown
from .latency import Latency
from .link_opened import LinkOpened
from .link_wanted import LinkWanted
from .links_when_told import LinksWhenTold
from .list_users_role_type_0 import ListUsersRoleType0
from .list_users_status_type_0 import ListUsersStatusType0
from .listing_model_shown import ListingModelShown
from .listing_operation_read import ListingOperationRead
from .listing_preset_read import ListingPresetRead
from .listing_provider_health import ListingProviderHealth
from .live import Live
from .log_in import LogIn
from .mail_promised import MailPromised
from .me_read import MeRead
from .me_read_role import MeReadRole
from .me_update import MeUpdate
from .me_update_locale import MeUpdateLocale
from .member_read import MemberRead
from .member_update import MemberUpdate
from .model_health import ModelHealth
from .model_offer import ModelOffer
from .model_read import ModelRead
from .model_shown import ModelShown
from .oauth_code_read import OauthCodeRead
from .oauth_exchange import OauthExchange
from .oauth_provider_read import OauthProviderRead
from .oauth_provider_read_name import OauthProviderReadName
from .oauth_providers import OauthProviders
from .operation_read import OperationRead
from .page_admin_user_read import PageAdminUserRead
from .page_api_key_read import PageApiKeyRead
from .page_asset_read import PageAssetRead
from .page_audit_entry_read import PageAuditEntryRead
from .page_batch_shown import PageBatchShown
from .page_delivery_shown import PageDeliveryShown
from .page_export_read import PageExportRead
from .page_grant_read import PageGrantRead
from .page_identity_read import PageIdentityRead
from .page_invitation_read import PageInvitationRead
from .page_member_read import PageMemberRead
from .page_session_read import PageSessionRead
from .page_task_read import PageTaskRead
from .page_transaction_read import PageTransactionRead
from .page_webhook_endpoint_read import PageWebhookEndpointRead
from .page_workspace_read import PageWorkspaceRead
from .password_change import PasswordChange
from .password_reset import PasswordReset
from .preset_read import PresetRead
from .problem import Problem
from .problem_errors_item import ProblemErrorsItem
from .problem_kind import ProblemKind
from .problem_kinds import ProblemKinds
from .provider_health import ProviderHealth
from .provider_health_status import ProviderHealthStatus
from .quote import Quote
from .quoted_credits import QuotedCredits
from .range_redeliver import RangeRedeliver
from .range_redeliver_include import RangeRedeliverInclude
from .ready import Ready
from .ready_status import ReadyStatus
from .redelivered import Redelivered
from .refresh import Refresh
from .rendition import Rendition
from .routing import Routing
from .routing_prefer import RoutingPrefer
from .scope import Scope
from .seat_read import SeatRead
from .secret_rotate import SecretRotate
from .session_read import SessionRead
from .session_read_kind import SessionReadKind
from .session_started import SessionStarted
from .session_started_token_type import SessionStartedTokenType
from .sign_up import SignUp
from .sign_up_locale import SignUpLocale
from .signing_secret_read import SigningSecretRead
from .signing_secret_read_mode import SigningSecretReadMode
from .signing_secret_shown import SigningSecretShown
from .signing_secret_shown_mode import SigningSecretShownMode
from .state import State
from .step_read import StepRead
from .step_status import StepStatus
from .suspension import Suspension
from .task_canceled_event import TaskCanceledEvent
from .task_canceled_event_mode import TaskCanceledEventMode
from .task_create import TaskCreate
from .task_created_event import TaskCreatedEvent
from .task_created_event_mode import TaskCreatedEventMode
from .task_credits import TaskCredits
from .task_error import TaskError
from .task_failed_event import TaskFailedEvent
from .task_failed_event_mode import TaskFailedEventMode
from .task_progress_event import TaskProgressEvent
from .task_progress_event_mode import TaskProgressEventMode
from .task_read import TaskRead
from .task_started_event import TaskStartedEvent
from .task_started_event_mode import TaskStartedEventMode
from .task_status import TaskStatus
from .task_succeeded_event import TaskSucceededEvent
from .task_succeeded_event_mode import TaskSucceededEventMode
from .ticket import Ticket
from .transaction_read import TransactionRead
from .transfer_create import TransferCreate
from .transfer_kind import TransferKind
from .user_read import UserRead
from .user_read_role import UserReadRole
from .value_range import ValueRange
from .verification_read import VerificationRead
from .verification_wanted import VerificationWanted
from .webhook_endpoint_create import WebhookEndpointCreate
from .webhook_endpoint_disabled_event import WebhookEndpointDisabledEvent
from .webhook_endpoint_disabled_event_mode import WebhookEndpointDisabledEventMode
from .webhook_endpoint_read import WebhookEndpointRead
from .webhook_endpoint_read_mode import WebhookEndpointReadMode
from .webhook_endpoint_secret import WebhookEndpointSecret
from .webhook_endpoint_secret_mode import WebhookEndpointSecretMode
from .webhook_endpoint_told import WebhookEndpointTold
from .webhook_endpoint_told_disabled_reason import WebhookEndpointToldDisabledReason
from .webhook_endpoint_told_mode import WebhookEndpointToldMode
from .webhook_endpoint_update import WebhookEndpointUpdate
from .webhook_test import WebhookTest
from .workspace_create import WorkspaceCreate
from .workspace_kind import WorkspaceKind
from .workspace_read import WorkspaceRead
from .workspace_role import WorkspaceRole
from .workspace_update import WorkspaceUpdate

__all__ = (
    "AdminMembershipRead",
    "AdminMembershipReadKind",
    "AdminMembershipReadRole",
    "AdminUserDetail",
    "AdminUserDetailRole",
    "AdminUserDetailStatus",
    "AdminUserRead",
    "AdminUserReadRole",
    "AdminUserReadStatus",
    "ApiKeyCreate",
    "ApiKeyCreatedEvent",
    "ApiKeyCreatedEventMode",
    "ApiKeyCreateModeType0",
    "ApiKeyRead",
    "ApiKeyReadMode",
    "ApiKeyRevokedEvent",
    "ApiKeyRevokedEventMode",
    "ApiKeyRotate",
    "ApiKeyRotatedEvent",
    "ApiKeyRotatedEventMode",
    "ApiKeySecret",
    "ApiKeySecretMode",
    "ApiKeyUpdate",
    "ApiKeyUpdatedEvent",
    "ApiKeyUpdatedEventMode",
    "AssetCreated",
    "AssetCreatedEvent",
    "AssetCreatedEventMode",
    "AssetDeletedEvent",
    "AssetDeletedEventMode",
    "AssetKind",
    "AssetRead",
    "AssetSnapshot",
    "AssetSource",
    "AssetUpdate",
    "AssetUrls",
    "AttemptError",
    "AttemptErrorCode",
    "AttemptRead",
    "AttemptRequest",
    "AttemptResponse",
    "AttemptShown",
    "AttemptStatus",
    "AuditActor",
    "AuditEntryRead",
    "AuditTarget",
    "BatchCompletedEvent",
    "BatchCompletedEventMode",
    "BatchCreate",
    "BatchItemCreate",
    "BatchItemError",
    "BatchItemRead",
    "BatchRead",
    "BatchReadStatus",
    "BatchShown",
    "BatchShownStatus",
    "BatchSummary",
    "BeginOauthProvider",
    "BreachRead",
    "BudgetGiven",
    "BudgetGivenPeriod",
    "BudgetRead",
    "BudgetReadPeriod",
    "Confirm",
    "ConfirmationRead",
    "ConfirmationReadStatus",
    "CreditsExhaustedEvent",
    "CreditsExhaustedEventMode",
    "CreditsGranted",
    "CreditsGrantedEvent",
    "CreditsGrantedEventMode",
    "CreditsLowEvent",
    "CreditsLowEventMode",
    "CreditsRead",
    "CreditsSettings",
    "CreditsUpdate",
    "DeletionOrder",
    "DeletionRead",
    "DeliveryRead",
    "DeliveryShown",
    "DeliveryStatus",
    "DisabledReason",
    "EmailChange",
    "EmailChangeRead",
    "EmailChangeReadStatus",
    "EmailVerification",
    "EndpointStatus",
    "ErrorCode",
    "EventPage",
    "ExportRead",
    "ExportReadStatus",
    "FinishOauthProvider",
    "GrantKind",
    "GrantRead",
    "IdentityConfirm",
    "IdentityRead",
    "IdentityToken",
    "InvitationCreate",
    "InvitationRead",
    "InvitationShown",
    "Latency",
    "LinkOpened",
    "LinksWhenTold",
    "LinkWanted",
    "ListingModelShown",
    "ListingOperationRead",
    "ListingPresetRead",
    "ListingProviderHealth",
    "ListUsersRoleType0",
    "ListUsersStatusType0",
    "Live",
    "LogIn",
    "MailPromised",
    "MemberRead",
    "MemberUpdate",
    "MeRead",
    "MeReadRole",
    "MeUpdate",
    "MeUpdateLocale",
    "ModelHealth",
    "ModelOffer",
    "ModelRead",
    "ModelShown",
    "OauthCodeRead",
    "OauthExchange",
    "OauthProviderRead",
    "OauthProviderReadName",
    "OauthProviders",
    "OperationRead",
    "PageAdminUserRead",
    "PageApiKeyRead",
    "PageAssetRead",
    "PageAuditEntryRead",
    "PageBatchShown",
    "PageDeliveryShown",
    "PageExportRead",
    "PageGrantRead",
    "PageIdentityRead",
    "PageInvitationRead",
    "PageMemberRead",
    "PageSessionRead",
    "PageTaskRead",
    "PageTransactionRead",
    "PageWebhookEndpointRead",
    "PageWorkspaceRead",
    "PasswordChange",
    "PasswordReset",
    "PresetRead",
    "Problem",
    "ProblemErrorsItem",
    "ProblemKind",
    "ProblemKinds",
    "ProviderHealth",
    "ProviderHealthStatus",
    "Quote",
    "QuotedCredits",
    "RangeRedeliver",
    "RangeRedeliverInclude",
    "Ready",
    "ReadyStatus",
    "Redelivered",
    "Refresh",
    "Rendition",
    "Routing",
    "RoutingPrefer",
    "Scope",
    "SeatRead",
    "SecretRotate",
    "SessionRead",
    "SessionReadKind",
    "SessionStarted",
    "SessionStartedTokenType",
    "SigningSecretRead",
    "SigningSecretReadMode",
    "SigningSecretShown",
    "SigningSecretShownMode",
    "SignUp",
    "SignUpLocale",
    "State",
    "StepRead",
    "StepStatus",
    "Suspension",
    "TaskCanceledEvent",
    "TaskCanceledEventMode",
    "TaskCreate",
    "TaskCreatedEvent",
    "TaskCreatedEventMode",
    "TaskCredits",
    "TaskError",
    "TaskFailedEvent",
    "TaskFailedEventMode",
    "TaskProgressEvent",
    "TaskProgressEventMode",
    "TaskRead",
    "TaskStartedEvent",
    "TaskStartedEventMode",
    "TaskStatus",
    "TaskSucceededEvent",
    "TaskSucceededEventMode",
    "Ticket",
    "TransactionRead",
    "TransferCreate",
    "TransferKind",
    "UserRead",
    "UserReadRole",
    "ValueRange",
    "VerificationRead",
    "VerificationWanted",
    "WebhookEndpointCreate",
    "WebhookEndpointDisabledEvent",
    "WebhookEndpointDisabledEventMode",
    "WebhookEndpointRead",
    "WebhookEndpointReadMode",
    "WebhookEndpointSecret",
    "WebhookEndpointSecretMode",
    "WebhookEndpointTold",
    "WebhookEndpointToldDisabledReason",
    "WebhookEndpointToldMode",
    "WebhookEndpointUpdate",
    "WebhookTest",
    "WorkspaceCreate",
    "WorkspaceKind",
    "WorkspaceRead",
    "WorkspaceRole",
    "WorkspaceUpdate",
)
