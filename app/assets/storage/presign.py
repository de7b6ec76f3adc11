"""Signed GET URLs of S3 (Signature Version 4 in the query), with a date of our choice.

botocore signs with the present second, so each of its URLs differs and no browser cache ever hits.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

MAX_SECONDS = 7 * 86400


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str
    secret_key: str
    token: str | None = None


def presign_get(
    credentials: Credentials,
    *,
    base: str,
    path: str,
    region: str,
    at: datetime,
    seconds: int,
    query: Mapping[str, str],
) -> str:
    """`base` is scheme and host; `path` begins with a slash and is not quoted yet."""
    day, moment = at.strftime("%Y%m%d"), at.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{day}/{region}/s3/aws4_request"
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
        **query,
    }
    if credentials.token:
        parameters["X-Amz-Security-Token"] = credentials.token
    canonical = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(parameters.items())
    )
    where, host = quote(path, safe="/-_.~"), base.partition("://")[2]
    request = f"GET\n{where}\n{canonical}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    said = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.new(_key(credentials.secret_key, day, region), said.encode(), sha256).hexdigest()
    return f"{base}{where}?{canonical}&X-Amz-Signature={signature}"


@lru_cache(8)
def _key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return key
