"""What a client calls itself, in words a user knows their devices by."""

# The first that is in the text wins: browsers name those they descend from as well.
_CLIENTS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("YaBrowser", "Yandex Browser"),
    ("coc_coc_browser", "Cốc Cốc"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl/", "curl"),
    ("python-httpx", "Python"),
    ("python-requests", "Python"),
    ("aiohttp", "Python"),
    ("okhttp", "Android app"),
    ("Dart/", "Flutter app"),
    ("CFNetwork", "iOS app"),
    ("PostmanRuntime", "Postman"),
    ("node", "Node.js"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("Darwin", "macOS"),
    ("Linux", "Linux"),
)
UNKNOWN = "Unknown device"


def describe(user_agent: str | None) -> str:
    """As `Firefox on Windows`."""
    text = user_agent or ""
    client = next((name for mark, name in _CLIENTS if mark in text), None)
    system = next((name for mark, name in _SYSTEMS if mark in text), None)
    if client and system and not client.startswith(("iOS", "Android")):
        return f"{client} on {system}"
    return client or system or UNKNOWN
