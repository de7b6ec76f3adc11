"""Why a file is not taken, found or shown."""

from app.core.problems import NotFound, Problem, UnsupportedMediaType


class AssetNotFound(NotFound):
    """There is no such asset in this workspace.

    It was never there, was deleted, is not finished, or belongs to the other of live and test.
    """


class FileTooLarge(Problem):
    """The file has more bytes than are accepted.

    An image may have 20 MiB. Send it smaller, or compressed more.
    """

    status = 413


class EmptyFile(Problem):
    """The file has no bytes."""

    status = 422


class InvalidImage(Problem):
    """The file is not a whole, still image.

    It is truncated, damaged, animated, or takes more memory or time to decode than an honest picture.
    """

    status = 422


class ImageTooLarge(Problem):
    """The image has more pixels than are accepted.

    Make it smaller: 4096 pixels a side is the most.
    """

    status = 422


class InvalidBase64(Problem):
    """The text is not base64.

    Standard alphabet with padding; a `data:` URI is taken too.
    """

    status = 422


class UrlNotAllowed(Problem):
    """The URL is not one that is fetched.

    Only https URLs of public servers are, without a user name in them; redirects are held to the same.
    """

    status = 422


class UrlUnreachable(Problem):
    """The URL did not yield a file.

    `reason` tells why: `dns`, `connection`, `timeout`, `status` or `encoding`.
    """

    status = 422


class InvalidSignature(Problem):
    """This link is not valid, or not any more.

    Signed links end after some days. Read the asset again for a fresh one.
    """

    status = 403


class RangeNotSatisfiable(Problem):
    """The file has no such range of bytes."""

    status = 416


class MissingFile(NotFound):
    """The file behind this link was deleted."""


# What any route that takes a picture in may answer with.
UPLOAD_PROBLEMS: tuple[type[Problem], ...] = (
    FileTooLarge,
    UnsupportedMediaType,
    EmptyFile,
    InvalidImage,
    ImageTooLarge,
    InvalidBase64,
    UrlNotAllowed,
    UrlUnreachable,
)
