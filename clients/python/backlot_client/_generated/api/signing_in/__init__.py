from .change_email import change_email
from .change_password import change_password
from .confirm_email_change import confirm_email_change
from .forgot_password import forgot_password
from .log_in import log_in
from .resend_verification import resend_verification
from .reset_password import reset_password
from .sign_up import sign_up
from .verify_email import verify_email

__all__ = [
    "change_email",
    "change_password",
    "confirm_email_change",
    "forgot_password",
    "log_in",
    "resend_verification",
    "reset_password",
    "sign_up",
    "verify_email",
]
