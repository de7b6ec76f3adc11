"""What a set is made of: a preset's recipe, changed by the words of a prompt."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.providers.adapters.local.colours import light_of, parse, shaded
from app.providers.adapters.local.pictures import Floats
from app.providers.adapters.local.textures import LOOKS, second_for
from app.providers.adapters.local.words import Wishes, read

_SIDES = {"left": -1.0, "right": 1.0, "top": 0.0}


@dataclass(frozen=True)
class Ground:
    """What the product stands on."""

    material: str
    colour: Floats
    second: Floats
    gloss: float
    scale: float = 1.0


@dataclass(frozen=True)
class Backdrop:
    """What is behind it. `blur` is a share of the picture's width."""

    kind: str
    colour: Floats
    second: Floats
    accents: tuple[Floats, ...] = ()
    blur: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Light:
    side: float | None = None
    warmth: float = 0.0
    contrast: float = 0.25
    level: float = 1.0
    pattern: str | None = None


@dataclass(frozen=True)
class Scene:
    """A set. `horizon` is where the ground ends, as a share of the height; a sweep has no edge there."""

    ground: Ground
    backdrop: Backdrop
    light: Light = field(default_factory=Light)
    horizon: float = 0.36
    is_sweep: bool = False
    vignette: float = 0.12


def resolve(recipe: Mapping[str, Any] | None, prompt: str, negative_prompt: str) -> Scene:
    """The recipe with what the prompt asks for instead, without what the negative prompt names.

    The preset's own words, if the prompt was built from them, change nothing: the recipe says it better.
    """
    recipe = recipe or {}
    preset_words = str(recipe.get("prompt") or "")
    own_words = prompt.replace(preset_words, " ") if preset_words else prompt
    return _without(_with(_read(recipe), read(own_words)), read(negative_prompt))


def _read(recipe: Mapping[str, Any]) -> Scene:
    ground, wall, light = (recipe.get(part) or {} for part in ("floor", "wall", "light"))
    material = ground.get("material", "smooth")
    colour, second, gloss = LOOKS[material]
    colour, second = ground.get("colour", colour), ground.get("second", second)
    backdrop = wall.get("colour", "#f4f3f1")
    return Scene(
        Ground(
            material,
            parse(colour),
            parse(second),
            float(ground.get("gloss", gloss)),
            float(ground.get("scale", 1.0)),
        ),
        Backdrop(
            wall.get("kind", "paint"),
            parse(backdrop),
            parse(wall.get("second", backdrop)),
            tuple(parse(accent) for accent in wall.get("accents", ())),
            float(wall.get("blur", 0.0)),
            float(wall.get("scale", 1.0)),
        ),
        Light(
            _SIDES.get(light.get("side", "")),
            float(light.get("warmth", 0.0)),
            float(light.get("contrast", 0.25)),
            float(light.get("level", 1.0)),
            light.get("pattern"),
        ),
        float(recipe.get("horizon", 0.36)),
        bool(recipe.get("sweep", not recipe)),
        float(recipe.get("vignette", 0.12)),
    )


def _with(scene: Scene, wishes: Wishes) -> Scene:
    ground, backdrop, light, is_sweep = scene.ground, scene.backdrop, scene.light, scene.is_sweep
    if wishes.kind and wishes.kind != backdrop.kind:
        colour, second, accents, blur = KINDS[wishes.kind]
        backdrop = Backdrop(wishes.kind, parse(colour), parse(second), tuple(map(parse, accents)), blur)
        is_sweep = wishes.kind == "gradient"
        ground = _below(wishes.kind, ground)
    if wishes.material:
        colour, second, gloss = LOOKS[wishes.material]
        ground = Ground(wishes.material, parse(colour), parse(second), gloss)
        is_sweep = False
    floor = wishes.ground_colour
    if floor is None and (is_sweep or ground.material in ("smooth", wishes.kind)):
        floor = wishes.wall_colour or wishes.colour  # nothing else was said of it
    if floor is not None:
        main = parse(floor)
        ground = replace(ground, colour=main, second=second_for(ground.material, main))
    wall = wishes.wall_colour or wishes.colour
    if wall is not None:
        main = parse(wall)
        backdrop = replace(backdrop, colour=main, second=shaded(main, 0.25 if light_of(main) > 0.2 else -0.4))
        if wishes.more_colours:
            extra = tuple(parse(name) for name in wishes.more_colours)
            backdrop = replace(backdrop, second=extra[0], accents=extra)
    light = replace(
        light,
        side=light.side if wishes.side is None else wishes.side,
        warmth=light.warmth + wishes.warmth,
        level=light.level * wishes.level,
        contrast=light.contrast if wishes.contrast is None else wishes.contrast,
        pattern=wishes.pattern or light.pattern,
    )
    return replace(scene, ground=ground, backdrop=backdrop, light=light, is_sweep=is_sweep)


def _without(scene: Scene, unwanted: Wishes) -> Scene:
    if unwanted.pattern and unwanted.pattern == scene.light.pattern:
        scene = replace(scene, light=replace(scene.light, pattern=None))
    if unwanted.kind and unwanted.kind == scene.backdrop.kind:
        scene = replace(scene, backdrop=replace(scene.backdrop, kind="paint", blur=0.0))
    if unwanted.material and unwanted.material == scene.ground.material:
        colour, second, gloss = LOOKS["smooth"]
        scene = replace(scene, ground=Ground("smooth", parse(colour), parse(second), gloss))
    return scene


# Backdrops asked for by a word: colour below, colour above, accents, blur.
KINDS: dict[str, tuple[str, str, tuple[str, ...], float]] = {
    "paint": ("#e9e7e3", "#f4f2ef", (), 0.0),
    "gradient": ("#f3c9c4", "#b9c7ea", ("#f6e3c5",), 0.0),
    "bokeh": ("#2c1d16", "#4a2d1c", ("#ffcf7a", "#ff9d4d", "#fff0c9"), 0.0),
    "festive": ("#5b1418", "#2e0a0d", ("#ffd27a", "#ffb34d", "#fff3d0", "#e8463c"), 0.0),
    "blossom": ("#a51e22", "#7d1218", ("#ffd27a", "#f7a8b8", "#ffe3a1"), 0.0),
    "foliage": ("#4f7a3a", "#b9d58a", ("#dff0b0", "#7fae55", "#2f5a2c"), 0.012),
    "sky": ("#e6f0f7", "#7db4e2", (), 0.002),
    "sunset": ("#f9b774", "#6b5b95", ("#ffd9a0",), 0.004),
    "sunset sea": ("#f9c487", "#77669c", ("#a8626b", "#f0b48a"), 0.004),
    "sea": ("#dcebf2", "#8cc3e8", ("#3f9fb5", "#8fd3d3"), 0.004),
    "city": ("#141a2e", "#0a0d1a", ("#ffc26b", "#66b5ff", "#ff7a9c", "#ffe9c4"), 0.004),
    "neon": ("#150f26", "#0a0814", ("#ff3fa4", "#37d5ff"), 0.0),
    "kitchen": ("#efe6d8", "#f8f3ea", ("#ffffff", "#cdb595", "#b7c2a5"), 0.02),
    "brick": ("#a05a44", "#c4b8aa", (), 0.004),
    "tile": ("#f1f1ee", "#cfcfca", (), 0.003),
    "concrete": ("#a9a8a5", "#8a8987", (), 0.003),
    "linen": ("#e7dfd0", "#cfc4b0", (), 0.003),
    "velvet": ("#5b1f33", "#a8566e", (), 0.004),
    "marble": ("#efeeeb", "#9a9ca0", (), 0.003),
    "wood": ("#a57c54", "#6d4a2c", (), 0.004),
}
# What such a backdrop stands on if the prompt does not say: material, colour, second colour, gloss.
_GROUNDS: dict[str, tuple[str, str, str, float]] = {
    "bokeh": ("wood", "#6f4a2f", "#2f1c10", 0.25),
    "festive": ("wood", "#6b3a26", "#2c140d", 0.30),
    "blossom": ("wood", "#a3271f", "#5c0f10", 0.28),
    "foliage": ("wood", "#a58a68", "#5f4a33", 0.05),
    "sky": ("concrete", *LOOKS["concrete"]),
    "sunset": ("sand", *LOOKS["sand"]),
    "sea": ("sand", *LOOKS["sand"]),
    "sunset sea": ("sand", *LOOKS["sand"]),
    "city": ("concrete", "#4a4c52", "#2f3136", 0.22),
    "neon": ("smooth", "#1d1830", "#120f20", 0.62),
    "kitchen": ("marble", "#ece7df", "#a79f93", 0.22),
    "brick": ("wood", *LOOKS["wood"]),
}


def _below(kind: str, ground: Ground) -> Ground:
    if kind in ("velvet", "linen"):  # cloth hangs down and lies on
        colour, second, gloss = LOOKS[kind]
        return Ground(kind, parse(colour), parse(second), gloss)
    if kind not in _GROUNDS:
        return ground
    material, colour, second, gloss = _GROUNDS[kind]
    return Ground(material, parse(colour), parse(second), gloss)
