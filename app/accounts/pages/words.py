"""What the pages say, in the languages they speak."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "vi"]
LANGUAGES: tuple[Language, ...] = ("en", "vi")


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    lead: str
    button: str
    done: str
    waiting: str = ""
    """Where something else has to happen too."""


@dataclass(frozen=True, slots=True)
class Common:
    email: str
    password: str
    new_password: str
    known_password: str
    working: str
    no_token: str
    no_script: str
    no_answer: str
    try_again: str


COMMON: dict[Language, Common] = {
    "en": Common(
        email="E-mail address",
        password="Password",  # noqa: S106
        new_password="New password",  # noqa: S106
        known_password="Password (you may leave it out)",  # noqa: S106
        working="One moment …",
        no_token="This link is not complete. Open the whole link from the mail.",  # noqa: S106
        no_script="This page needs JavaScript.",
        no_answer="The server does not answer. Check your connection and try again.",
        try_again="That did not work",
    ),
    "vi": Common(
        email="Địa chỉ e-mail",
        password="Mật khẩu",  # noqa: S106
        new_password="Mật khẩu mới",  # noqa: S106
        known_password="Mật khẩu (có thể bỏ trống)",  # noqa: S106
        working="Xin chờ một lát …",
        no_token="Liên kết này không đầy đủ. Hãy mở toàn bộ liên kết trong thư.",  # noqa: S106
        no_script="Trang này cần JavaScript.",
        no_answer="Máy chủ không trả lời. Hãy kiểm tra kết nối rồi thử lại.",
        try_again="Không thực hiện được",
    ),
}

# What the API says of what can go wrong here is meant for programmers, and English: readers get these, by its code.
PROBLEMS: dict[Language, dict[str, str]] = {
    "en": {
        "invalid_link": "This link is not valid any more: it was used already, is too old, or there is a newer one. "
        "Ask for another mail.",
        "password_needed": "Please enter the password you chose when you signed up, too.",
        "wrong_password": "This is not the password you chose.",
        "mailbox_full": "Your mailbox has as many accounts as it may have. Sign in to one of them, or give one of them "
        "another address; then open this link again.",
        "invitation_not_found": "This invitation is not valid any more. Ask for another one.",
    },
    "vi": {
        "invalid_link": "Liên kết này không còn hiệu lực: nó đã được dùng, đã quá hạn hoặc đã có liên kết mới hơn. "
        "Hãy yêu cầu gửi lại thư.",
        "password_needed": "Hãy nhập thêm mật khẩu bạn đã chọn khi đăng ký.",
        "wrong_password": "Đây không phải mật khẩu bạn đã chọn.",
        "weak_password": "Mật khẩu này quá dễ đoán. Hãy chọn mật khẩu dài hơn, ví dụ bốn từ không liên quan đến nhau.",
        "invalid_credentials": "Địa chỉ e-mail hoặc mật khẩu không đúng.",
        "invalid_request": "Thông tin bạn nhập chưa hợp lệ. Mật khẩu cần có ít nhất 8 ký tự.",
        "too_many_attempts": "Bạn đã thử quá nhiều lần. Hãy đợi một lúc rồi thử lại.",
        "too_many_sign_ins": "Hiện có quá nhiều người đăng nhập. Hãy thử lại sau ít phút.",
        "account_suspended": "Tài khoản đang bị tạm khóa.",
        "deletion_scheduled": "Tài khoản này đang chờ bị xóa. Hãy đăng nhập và hủy yêu cầu xóa trước.",
        "session_revoked": "Phiên đăng nhập đã kết thúc. Hãy đăng nhập lại rồi thử lại.",
        "email_unverified": "Địa chỉ e-mail của bạn chưa được xác nhận. Hãy mở liên kết trong thư đã gửi cho bạn.",
        "mailbox_full": "Hộp thư của bạn đã có đủ số tài khoản cho phép. Hãy đăng nhập vào một tài khoản đã có, hoặc "
        "đổi địa chỉ của một tài khoản rồi mở lại liên kết này.",
        "email_taken": "Địa chỉ này hiện thuộc về một tài khoản khác.",
        "identity_taken": "Cách đăng nhập này đã được gắn với một tài khoản khác.",
        "invitation_not_found": "Lời mời này không còn hiệu lực. Hãy xin một lời mời khác.",
        "other_invitee": "Lời mời này được gửi đến một địa chỉ khác. Hãy đăng nhập bằng địa chỉ đó.",
        "captcha_required": "Bạn không thể đăng nhập tại đây. Hãy mở lời mời trong sản phẩm.",
        "dependency_down": "Hệ thống tạm thời gián đoạn. Hãy thử lại sau ít phút.",
        "internal": "Đã có lỗi ở phía chúng tôi. Hãy thử lại sau ít phút.",
    },
}

PAGES: dict[Language, dict[str, Words]] = {
    "en": {
        "verify-email": Words(
            "Confirm your e-mail address",
            "With the password you chose, we also know that it was you who signed up.",
            "Confirm my address",
            "Your address is confirmed. You can close this page.",
        ),
        "reset-password": Words(
            "Choose a new password",
            "Afterwards all devices are signed out, and you sign in with the new password.",
            "Set the password",
            "Your password was changed. Sign in with the new one.",
        ),
        "confirm-email-change": Words(
            "Confirm your new e-mail address",
            "The address of your account is changed when both addresses have confirmed.",
            "Confirm",
            "Your address was changed.",
            "Confirmed. The address is changed as soon as the other one has confirmed too.",
        ),
        "accept-invitation": Words(
            "Join the team",
            "Sign in with the address the invitation was sent to. If you have no password, because you sign in with "
            "Google or GitHub, accept the invitation where you use the product.",
            "Sign in and join",
            "You are a member now. You can close this page.",
        ),
        "confirm-identity": Words(
            "Allow this way of signing in",
            "From then on it signs you in to your account.",
            "Allow",
            "Done. You can sign in with it now.",
        ),
        "confirm": Words(
            "Confirm that it is you",
            "Then go back to where you were and try again.",
            "Yes, it is me",
            "Confirmed. Go back to where you were and try again.",
        ),
    },
    "vi": {
        "verify-email": Words(
            "Xác nhận địa chỉ e-mail",
            "Nếu bạn nhập cả mật khẩu đã chọn, chúng tôi biết chắc chính bạn đã đăng ký.",
            "Xác nhận địa chỉ",
            "Địa chỉ của bạn đã được xác nhận. Bạn có thể đóng trang này.",
        ),
        "reset-password": Words(
            "Đặt mật khẩu mới",
            "Sau đó mọi thiết bị sẽ bị đăng xuất và bạn đăng nhập bằng mật khẩu mới.",
            "Đặt mật khẩu",
            "Mật khẩu đã được đổi. Hãy đăng nhập bằng mật khẩu mới.",
        ),
        "confirm-email-change": Words(
            "Xác nhận địa chỉ e-mail mới",
            "Địa chỉ của tài khoản chỉ được đổi khi cả hai địa chỉ đều đã xác nhận.",
            "Xác nhận",
            "Địa chỉ của bạn đã được đổi.",
            "Đã xác nhận. Địa chỉ sẽ được đổi ngay khi địa chỉ còn lại cũng xác nhận.",
        ),
        "accept-invitation": Words(
            "Tham gia nhóm",
            "Hãy đăng nhập bằng địa chỉ đã nhận lời mời. Nếu bạn không có mật khẩu vì đăng nhập bằng Google hoặc "
            "GitHub, hãy chấp nhận lời mời ngay trong sản phẩm.",
            "Đăng nhập và tham gia",
            "Bạn đã là thành viên. Bạn có thể đóng trang này.",
        ),
        "confirm-identity": Words(
            "Cho phép cách đăng nhập này",
            "Từ đó bạn có thể dùng nó để đăng nhập vào tài khoản của mình.",
            "Cho phép",
            "Xong. Bạn có thể đăng nhập bằng cách này.",
        ),
        "confirm": Words(
            "Xác nhận đó là bạn",
            "Sau đó hãy quay lại trang trước và thử lại.",
            "Đúng, là tôi",
            "Đã xác nhận. Hãy quay lại trang trước và thử lại.",
        ),
    },
}
