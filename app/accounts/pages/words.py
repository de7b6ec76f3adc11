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


@dataclass(frozen=True, slots=True)
class Common:
    email: str
    password: str
    new_password: str
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
        working="Xin chờ một lát …",
        no_token="Liên kết này không đầy đủ. Hãy mở toàn bộ liên kết trong thư.",  # noqa: S106
        no_script="Trang này cần JavaScript.",
        no_answer="Máy chủ không trả lời. Hãy kiểm tra kết nối rồi thử lại.",
        try_again="Không thực hiện được",
    ),
}

# What the API says of what can go wrong here is English; those who read a page in another language get these.
PROBLEMS: dict[Language, dict[str, str]] = {
    "en": {},
    "vi": {
        "invalid_token": "Liên kết này không còn hiệu lực: nó đã được dùng, đã hết hạn hoặc có liên kết mới hơn. "
        "Hãy yêu cầu một liên kết mới.",
        "weak_password": "Mật khẩu này quá dễ đoán. Hãy chọn mật khẩu dài hơn, không dùng từ hay dãy số quen thuộc.",
        "invalid_credentials": "Địa chỉ e-mail hoặc mật khẩu không đúng.",
        "too_many_attempts": "Bạn đã thử quá nhiều lần. Hãy đợi một lúc rồi thử lại.",
        "too_many_requests": "Bạn đã thử quá nhiều lần. Hãy đợi một lúc rồi thử lại.",
        "email_unverified": "Địa chỉ e-mail của bạn chưa được xác nhận. Hãy mở liên kết trong thư đã gửi cho bạn.",
        "dependency_down": "Hệ thống tạm thời gián đoạn. Hãy thử lại sau ít phút.",
        "internal": "Đã có lỗi ở phía chúng tôi. Hãy thử lại sau ít phút.",
    },
}

PAGES: dict[Language, dict[str, Words]] = {
    "en": {
        "verify-email": Words(
            "Confirm your e-mail address",
            "One click, and your address is confirmed.",
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
            "Chỉ cần một lần bấm là địa chỉ của bạn được xác nhận.",
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
