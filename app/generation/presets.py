"""Studio styles: words for a generative provider, and the recipe of the same set for the local renderer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_UNWANTED = "text, watermark, logo, clutter, people, hands, distorted perspective, harsh shadows, low quality"


@dataclass(frozen=True, slots=True)
class Preset:
    """A look for a product picture. `scene` is plain JSON; it holds the prompt too, so its words are not read twice."""

    id: str
    name: str
    category: str
    description: str
    prompt: str
    scene: Mapping[str, Any] = field(repr=False)
    negative_prompt: str = _UNWANTED

    def __post_init__(self) -> None:
        object.__setattr__(self, "scene", {**self.scene, "prompt": self.prompt})


PRESETS: tuple[Preset, ...] = (
    Preset(
        id="studio-white",
        name="White studio",
        category="studio",
        description="Seamless white, soft even light: the marketplace standard.",
        prompt="seamless white studio sweep, soft even light, gentle shadow, commercial product photograph",
        scene={
            "sweep": True,
            "horizon": 0.40,
            "floor": {"material": "smooth", "colour": "#fbfbfa", "second": "#f2f2f1"},
            "wall": {"kind": "paint", "colour": "#f8f8f8", "second": "#fbfbfb"},
            "light": {"contrast": 0.07, "level": 1.06},
            "vignette": 0.03,
        },
    ),
    Preset(
        id="studio-grey",
        name="Grey studio",
        category="studio",
        description="Neutral grey paper with a light from the side.",
        prompt="seamless neutral grey studio paper, directional softbox light, commercial product photograph",
        scene={
            "sweep": True,
            "horizon": 0.40,
            "floor": {"material": "smooth", "colour": "#b9babc", "second": "#a4a5a8"},
            "wall": {"kind": "paint", "colour": "#a6a8ab", "second": "#85878b"},
            "light": {"contrast": 0.30, "level": 1.08},
            "vignette": 0.14,
        },
    ),
    Preset(
        id="marble",
        name="Marble",
        category="surface",
        description="White veined marble before a bright wall, window light.",
        prompt="white marble table top with grey veins, bright plaster wall, soft window light, product photograph",
        scene={
            "horizon": 0.34,
            "floor": {"material": "marble", "colour": "#f1f0ed", "second": "#878a90", "gloss": 0.26},
            "wall": {"kind": "paint", "colour": "#e6e2dc", "second": "#efece7"},
            "light": {"contrast": 0.16, "warmth": 0.15, "level": 1.0, "pattern": "window"},
            "vignette": 0.08,
        },
    ),
    Preset(
        id="wood",
        name="Warm wood",
        category="surface",
        description="Oiled oak boards, a calm wall, warm light.",
        prompt="warm oak wooden table, softly lit beige wall, cosy warm light, product photograph",
        scene={
            "horizon": 0.34,
            "floor": {"material": "wood", "colour": "#bb8e60", "second": "#744b2a", "gloss": 0.10},
            "wall": {"kind": "paint", "colour": "#d9cbb8", "second": "#e6dccd"},
            "light": {"contrast": 0.28, "warmth": 0.4, "level": 1.02},
            "vignette": 0.16,
        },
    ),
    Preset(
        id="nature",
        name="Garden",
        category="outdoor",
        description="A weathered table in the green, sun between the leaves.",
        prompt="rustic wooden table outdoors, blurred lush green garden with sun bokeh, natural light",
        scene={
            "horizon": 0.44,
            "floor": {"material": "wood", "colour": "#a58a68", "second": "#5f4a33", "gloss": 0.05},
            "wall": {
                "kind": "foliage",
                "colour": "#5f8d45",
                "second": "#c9e09a",
                "accents": ["#dff2ae", "#86b45a", "#2d5529"],
                "blur": 0.010,
            },
            "light": {"contrast": 0.22, "warmth": 0.3, "level": 1.04, "pattern": "leaves"},
            "vignette": 0.14,
        },
    ),
    Preset(
        id="gradient",
        name="Gradient",
        category="colour",
        description="Two colours that flow into each other.",
        prompt="smooth pastel gradient background from peach to periwinkle, minimal, soft studio light",
        scene={
            "sweep": True,
            "horizon": 0.46,
            "floor": {"material": "smooth", "colour": "#f5cdb9", "second": "#eab6ae"},
            "wall": {"kind": "gradient", "colour": "#f3b9ae", "second": "#a9b4ea", "accents": ["#f8e2c6"]},
            "light": {"contrast": 0.12, "level": 1.03},
            "vignette": 0.05,
        },
    ),
    Preset(
        id="festive",
        name="Festive lights",
        category="season",
        description="Dark polished wood and golden lights out of focus.",
        prompt="dark polished wooden table, golden bokeh lights, deep red festive evening, product photograph",
        scene={
            "horizon": 0.46,
            "floor": {"material": "wood", "colour": "#6b3a26", "second": "#2c140d", "gloss": 0.30},
            "wall": {
                "kind": "festive",
                "colour": "#641519",
                "second": "#2b0a0d",
                "accents": ["#ffd27a", "#ffb34d", "#fff3d0", "#f0584a"],
            },
            "light": {"contrast": 0.24, "warmth": 0.35, "level": 1.08},
            "vignette": 0.24,
        },
    ),
    Preset(
        id="concrete",
        name="Concrete",
        category="surface",
        description="Raw concrete, cool side light: technical and plain.",
        prompt="raw concrete surface and wall, cool directional light, minimal industrial product photograph",
        scene={
            "horizon": 0.34,
            "floor": {"material": "concrete", "colour": "#b4b3b0", "second": "#94938f"},
            "wall": {"kind": "concrete", "colour": "#a3a29f", "second": "#85847f", "blur": 0.003},
            "light": {"contrast": 0.38, "warmth": -0.15, "level": 1.1},
            "vignette": 0.16,
        },
    ),
    Preset(
        id="linen",
        name="Linen",
        category="surface",
        description="Natural linen cloth, shadows of leaves on the wall.",
        prompt="natural linen tablecloth, cream wall with soft leaf shadows, gentle morning light",
        scene={
            "horizon": 0.36,
            "floor": {"material": "linen", "colour": "#e9dfcd"},
            "wall": {"kind": "paint", "colour": "#e7dac4", "second": "#efe5d3"},
            "light": {"contrast": 0.16, "warmth": 0.3, "level": 1.06, "pattern": "leaves"},
            "vignette": 0.08,
        },
    ),
    Preset(
        id="beach",
        name="Beach",
        category="outdoor",
        description="Fine sand, calm sea, a summer sky.",
        prompt="fine sand beach in the foreground, calm turquoise sea and blue sky out of focus, bright sun",
        scene={
            "horizon": 0.42,
            "floor": {"material": "sand", "colour": "#ecd9b4", "second": "#cdb083"},
            "wall": {
                "kind": "sea",
                "colour": "#e2f0f5",
                "second": "#86c2ea",
                "accents": ["#2f93ad", "#9adbd6"],
                "blur": 0.004,
            },
            "light": {"contrast": 0.14, "warmth": 0.2, "level": 1.05},
            "vignette": 0.06,
        },
    ),
    Preset(
        id="night-neon",
        name="Night neon",
        category="mood",
        description="A glowing ring on a dark wall, reflections below.",
        prompt="dark glossy floor, glowing neon ring in magenta and cyan, night studio, reflections",
        scene={
            "horizon": 0.52,
            "floor": {"material": "smooth", "colour": "#1d1830", "second": "#120f20", "gloss": 0.62},
            "wall": {
                "kind": "neon",
                "colour": "#1a1330",
                "second": "#0d0a1a",
                "accents": ["#ff3fa4", "#37d5ff"],
            },
            "light": {"contrast": 0.12, "level": 1.0},
            "vignette": 0.18,
        },
    ),
    Preset(
        id="pastel",
        name="Pastel",
        category="colour",
        description="Powder pink and cream, the light of a high window.",
        prompt="pastel pink backdrop and cream surface, playful minimal set, soft window light",
        scene={
            "horizon": 0.38,
            "floor": {"material": "smooth", "colour": "#f6e6da", "second": "#efd6cb", "gloss": 0.04},
            "wall": {"kind": "paint", "colour": "#f0c3c4", "second": "#f5d3d2"},
            "light": {"contrast": 0.14, "warmth": 0.1, "level": 1.04, "pattern": "window"},
            "vignette": 0.05,
        },
    ),
    Preset(
        id="luxury-black",
        name="Black luxury",
        category="mood",
        description="Black stone with golden veins, a single light.",
        prompt="polished black marble with fine gold veins, dark background, dramatic light, luxury product shot",
        scene={
            "horizon": 0.38,
            "floor": {"material": "marble", "colour": "#1b1b1e", "second": "#c19a52", "gloss": 0.34},
            "wall": {"kind": "paint", "colour": "#37353c", "second": "#1a191d"},
            "light": {"contrast": 0.42, "warmth": 0.3, "level": 1.35},
            "vignette": 0.26,
        },
    ),
    Preset(
        id="kitchen",
        name="Bright kitchen",
        category="interior",
        description="A stone worktop in a sunny kitchen out of focus.",
        prompt="light stone kitchen worktop, blurred bright kitchen with window and shelves, morning light",
        scene={
            "horizon": 0.46,
            "floor": {"material": "marble", "colour": "#ece7df", "second": "#a79f93", "gloss": 0.22},
            "wall": {
                "kind": "kitchen",
                "colour": "#e6dccb",
                "second": "#f3ece0",
                "accents": ["#ffffff", "#c3a37d", "#8fa37c"],
                "blur": 0.012,
            },
            "light": {"contrast": 0.14, "warmth": 0.3, "level": 1.03},
            "vignette": 0.08,
        },
    ),
    Preset(
        id="tet",
        name="Tết",
        category="season",
        description="Lacquer red and gold with peach and apricot blossom: the lunar new year.",
        prompt="Vietnamese lunar new year set, red lacquer table, golden lights, peach and apricot blossom branches",
        scene={
            "horizon": 0.50,
            "floor": {"material": "wood", "colour": "#a3271f", "second": "#5c0f10", "gloss": 0.28},
            "wall": {
                "kind": "blossom",
                "colour": "#b3231f",
                "second": "#8b1518",
                "accents": ["#ffd27a", "#f7a8b8", "#ffd95e"],
            },
            "light": {"contrast": 0.18, "warmth": 0.3, "level": 1.06},
            "vignette": 0.16,
        },
    ),
    Preset(
        id="terrazzo",
        name="Terrazzo",
        category="surface",
        description="Terrazzo in warm chips before a clay wall.",
        prompt="terrazzo countertop with warm chips, terracotta wall, clean daylight, product photograph",
        scene={
            "horizon": 0.36,
            "floor": {"material": "terrazzo", "colour": "#efe9e0", "second": "#b7765c", "gloss": 0.18},
            "wall": {"kind": "paint", "colour": "#c98d72", "second": "#d39c82"},
            "light": {"contrast": 0.22, "warmth": 0.2, "level": 1.03},
            "vignette": 0.10,
        },
    ),
    Preset(
        id="loft",
        name="Brick loft",
        category="interior",
        description="A dark wooden table before a brick wall.",
        prompt="dark walnut table before a blurred brick wall, warm loft light, product photograph",
        scene={
            "horizon": 0.42,
            "floor": {"material": "wood", "colour": "#8a6142", "second": "#432a1a", "gloss": 0.12},
            "wall": {"kind": "brick", "colour": "#a2604a", "second": "#b9aa9b", "blur": 0.005},
            "light": {"contrast": 0.36, "warmth": 0.35, "level": 1.08},
            "vignette": 0.22,
        },
    ),
    Preset(
        id="winter",
        name="Winter",
        category="season",
        description="Fresh snow and cold lights out of focus.",
        prompt="fresh snow surface, cold blue bokeh lights out of focus, crisp winter light",
        scene={
            "horizon": 0.42,
            "floor": {"material": "snow", "colour": "#f3f7fc", "second": "#bccfe6"},
            "wall": {
                "kind": "bokeh",
                "colour": "#8fabcb",
                "second": "#48658c",
                "accents": ["#ffffff", "#cfe6ff", "#ffe9c4"],
            },
            "light": {"contrast": 0.16, "warmth": -0.35, "level": 1.05},
            "vignette": 0.10,
        },
    ),
    Preset(
        id="silk",
        name="Silk",
        category="surface",
        description="Folds of champagne silk: cosmetics and jewellery.",
        prompt="champagne silk fabric in soft folds, elegant soft light, beauty product photograph",
        scene={
            "sweep": True,
            "horizon": 0.10,
            "floor": {"material": "velvet", "colour": "#dcc3a6", "second": "#f8ecdc", "scale": 0.9},
            "wall": {"kind": "paint", "colour": "#d9c2a8", "second": "#e2cfb8"},
            "light": {"contrast": 0.18, "warmth": 0.15, "level": 1.04},
            "vignette": 0.12,
        },
    ),
)

_BY_ID = {preset.id: preset for preset in PRESETS}


def find(preset_id: str) -> Preset | None:
    return _BY_ID.get(preset_id)
