"""The words of a prompt that a set can follow: materials, places, colours and light, in English and Vietnamese."""

import re
import unicodedata
from dataclasses import dataclass

from app.providers.adapters.local import colours

_MATERIALS = {
    "marble": "marble|đá cẩm thạch|cẩm thạch|đá hoa cương|quartz|granite|stone|đá",
    "wood": "wood|wooden|oak|walnut|pine|timber|bamboo|gỗ|ván gỗ|tre",
    "concrete": "concrete|cement|bê tông|xi măng|plaster|stucco|vữa",
    "terrazzo": "terrazzo|đá mài",
    "linen": "linen|cloth|fabric|canvas|cotton|tablecloth|burlap|vải|vải lanh|khăn trải bàn",
    "velvet": "velvet|silk|satin|nhung|lụa|vải nhung|vải lụa",
    "sand": "sand|sandy|beach|desert|cát|bãi biển|sa mạc",
    "grass": "grass|lawn|meadow|moss|cỏ|bãi cỏ|thảm cỏ|rêu",
    "water": "water|pool|nước|mặt nước|hồ bơi",
    "snow": "snow|snowy|ice|winter|tuyết|băng|mùa đông",
    "metal": "metal|metallic|steel|aluminium|aluminum|brushed metal|kim loại|thép|nhôm",
    "tile": "tile|tiles|tiled|gạch men|gạch bông",
    "smooth": "paper|acrylic|seamless|plain|giấy|trơn",
}
_KINDS = {
    "foliage": "leaves|leaf|foliage|forest|jungle|garden|nature|natural|tropical|plants|park|"
    "lá|lá cây|rừng|vườn|thiên nhiên|cây xanh|nhiệt đới",
    "sky": "sky|clouds|cloudy sky|bầu trời|mây",
    "sunset": "sunset|sunrise|dusk|golden hour|hoàng hôn|bình minh|giờ vàng",
    "sea": "sea|ocean|beach|seaside|coast|biển|đại dương|bãi biển|bờ biển",
    "city": "city|urban|street|skyline|thành phố|đường phố",
    "neon": "neon|cyberpunk|đèn neon",
    "festive": "festive|christmas|xmas|holiday|party|celebration|lễ hội|giáng sinh|noel|tiệc",
    "blossom": "tết|tet|lunar new year|chinese new year|blossom|blossoms|hoa đào|hoa mai|năm mới",
    "bokeh": "bokeh|fairy lights|string lights|sparkling|glitter|đèn lung linh|lấp lánh|lung linh",
    "kitchen": "kitchen|cafe|café|restaurant|home|interior|living room|"
    "nhà bếp|bếp|quán cà phê|nhà hàng|phòng khách|nội thất",
    "brick": "brick|bricks|brick wall|tường gạch|gạch",
    "gradient": "gradient|holographic|chuyển màu|chuyển sắc|loang màu",
}
_WALL = r"wall|walls|backdrop|background|behind|curtain|tường|nền|phông|phông nền|phía sau|hậu cảnh"
_GROUND = (
    r"table|tabletop|desk|counter|countertop|floor|surface|podium|platform|pedestal|shelf|slab|"
    r"bàn|mặt bàn|sàn|kệ|bệ|bục|mặt phẳng"
)
_PATTERNS = {
    "window": r"window|window light|blinds|sunlight|sunbeam|morning light|"
    r"cửa sổ|nắng|ánh nắng|ánh sáng ban mai|nắng sớm",
    "leaves": r"leaf shadows?|leaves shadows?|palm shadows?|plant shadows?|dappled|bóng lá|bóng cây",
    "spot": r"spotlight|stage light|đèn sân khấu|đèn rọi",
}
_WARM = (
    r"warm|cozy|cosy|candle|candlelight|autumn|morning|golden hour|sunset|ấm|ấm áp|ấm cúng|buổi sáng|ban mai|hoàng hôn"
)
_COOL = r"cool|cold|icy|winter|moonlight|moonlit|mát|lạnh|mát mẻ|ánh trăng"
_DARK = r"dark|moody|night|dramatic|low[- ]key|midnight|tối|u tối|đêm|huyền bí|kịch tính"
_BRIGHT = r"bright|airy|high[- ]key|sunny|sáng|tươi sáng|rực rỡ"
_SOFT = r"soft|softly|diffused|gentle|dịu|dịu nhẹ|nhẹ nhàng|mềm mại"
_HARD = r"dramatic|hard light|contrast|contrasty|kịch tính|tương phản"
_LEFT = r"(?:from|on) the left|left light|từ bên trái|bên trái"
_RIGHT = r"(?:from|on) the right|right light|từ bên phải|bên phải"


@dataclass(frozen=True)
class Wishes:
    """What the words ask for; None where they are silent. Colours are names or `#hex`."""

    material: str | None = None
    kind: str | None = None
    ground_colour: str | None = None
    wall_colour: str | None = None
    colour: str | None = None
    more_colours: tuple[str, ...] = ()
    side: float | None = None
    warmth: float = 0.0
    level: float = 1.0
    contrast: float | None = None
    pattern: str | None = None


def _compiled(words: str) -> re.Pattern[str]:
    longest_first = "|".join(sorted(words.split("|"), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)")


_MATERIAL_WORDS = {name: _compiled(words) for name, words in _MATERIALS.items()}
_KIND_WORDS = {name: _compiled(words) for name, words in _KINDS.items()}
_PATTERN_WORDS = {name: _compiled(words) for name, words in _PATTERNS.items()}
_WALL_WORD, _GROUND_WORD = _compiled(_WALL), _compiled(_GROUND)
_LONG_COLOUR = _compiled("|".join(name for name in colours.NAMES if " " in name))  # "xanh lá" is no leaf
_ON_A_WALL = ("brick", "concrete", "tile", "linen", "velvet", "marble", "wood")


def read(text: str) -> Wishes:
    text = unicodedata.normalize("NFC", text).lower()
    if not text.strip():
        return Wishes()
    materials = _found(_MATERIAL_WORDS, text)
    kinds = _found(_KIND_WORDS, _LONG_COLOUR.sub(lambda phrase: "_" * len(phrase[0]), text))
    material = next((name for name, place in materials if not _is_of_wall(text, place)), None)
    kind = kinds[0][0] if kinds else None
    if {"sea", "sunset"} <= {name for name, _ in kinds}:
        kind = "sunset sea"
    for name, place in materials:  # "a concrete wall" is behind, not below
        if name in _ON_A_WALL and _is_of_wall(text, place):
            kind = name
    ground_colour, wall_colour, others = _colours(text)
    sides = {-1.0: _has(_LEFT, text), 1.0: _has(_RIGHT, text)}
    patterns = _found(_PATTERN_WORDS, text)
    return Wishes(
        material=material,
        kind=kind,
        ground_colour=ground_colour,
        wall_colour=wall_colour,
        colour=others[0] if others else None,
        more_colours=tuple(others[1:4]),
        side=next((side for side, is_asked in sides.items() if is_asked), None),
        warmth=0.45 * _has(_WARM, text) - 0.45 * _has(_COOL, text),
        level=1 - 0.45 * _has(_DARK, text) + 0.08 * _has(_BRIGHT, text),
        contrast=0.5 if _has(_HARD, text) else 0.16 if _has(_SOFT, text) else None,
        pattern=patterns[0][0] if patterns else None,
    )


def _has(words: str, text: str) -> bool:
    return _compiled(words).search(text) is not None


def _found(table: dict[str, re.Pattern[str]], text: str) -> list[tuple[str, re.Match[str]]]:
    """Names in the order their words are said; at one place the longest word counts."""
    hits = [(name, match) for name, pattern in table.items() for match in pattern.finditer(text)]
    hits.sort(key=lambda hit: (hit[1].start(), -len(hit[1][0])))
    kept: list[tuple[str, re.Match[str]]] = []
    for name, match in hits:
        if not kept or match.start() >= kept[-1][1].end():
            kept.append((name, match))
    return kept


def _is_of_wall(text: str, place: re.Match[str]) -> bool:
    """Whether the nearest noun of place is a wall: `brick wall`, `tường bê tông`."""
    after = text[place.end() : place.end() + 22].split(",")[0]
    before = re.split(r",|\bon\b|\btrên\b", text[max(place.start() - 14, 0) : place.start()])[-1]
    wall, ground = _WALL_WORD.search(after), _GROUND_WORD.search(after)
    if wall and (not ground or wall.start() < ground.start()):
        return True
    return not ground and bool(re.search(rf"(?<!\w)(?:{_WALL})\s+\S*\s*$", before))


def _colours(text: str) -> tuple[str | None, str | None, list[str]]:
    """The ground's colour, the wall's, and those said of neither."""
    ground: str | None = None
    wall: str | None = None
    others: list[str] = []
    stands = _compiled("|".join([_GROUND, *_MATERIALS.values()]))
    for match in colours.PATTERN.finditer(text):
        after = text[match.end() : match.end() + 20].split(",")[0]
        before = re.split(r",|\bon\b|\bwith\b|\btrên\b|\bvới\b", text[max(match.start() - 20, 0) : match.start()])[-1]
        behind = _WALL_WORD.search(after) or _WALL_WORD.search(before)
        below = stands.search(after) or stands.search(before)
        if behind and not (below and below.string is after and behind.string is before):
            wall = wall or match[0]
        elif below:
            ground = ground or match[0]
        else:
            others.append(match[0])
    return ground, wall, others
