# SPDX-License-Identifier: MIT
"""Draws the sample models' world: coloured shapes, handwritten digits and words on textures.

Everything is placed in a picture of 64 x 64 units. It is drawn at `size` pixels, with smooth edges:
64 or 96 for the models, more for people to look at.

The digits are the 8 x 8 pictures that scikit-learn ships: "Optical Recognition of Handwritten
Digits", E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0.
"""
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from letters import WRITTEN, letters

SIZE = 64  # side of the picture in units

COLORS = {
    "red": (225, 35, 35),
    "green": (30, 185, 50),
    "blue": (40, 75, 235),
    "yellow": (240, 225, 40),
    "purple": (165, 45, 200),
    "cyan": (40, 215, 225),
    "white": (248, 248, 248),
}
COLOR_NAMES = list(COLORS)
SHAPE_NAMES = ["circle", "square", "triangle", "cross", "ring", "diamond"]

# What else there is, unasked: dull bars. They count as background.
BAR = len(SHAPE_NAMES)
DULL = [(70, 70, 70), (110, 110, 110), (150, 150, 150)]
PAINTS = torch.tensor(list(COLORS.values()) + DULL, dtype=torch.float32)

PLATE = 22  # side of the light plate below a digit
DIGIT = 20  # side of the digit on it
KIND_DIGIT = len(SHAPE_NAMES) + 1
KIND_WORD = KIND_DIGIT + 1
KINDS = KIND_WORD + 1
IGNORED = -100  # a label that losses pass over
GROUND = 3 * 9  # numbers that tell one background from another

_archive = np.load(Path(__file__).parent / "digits.npz")
SMALL_DIGITS = torch.from_numpy(_archive["images"])[:, None]
DIGIT_VALUES = _archive["labels"]
DIGIT_COUNT = len(DIGIT_VALUES)
DIGIT_TRAIN = 1400  # samples below this index train, the others test


@dataclass
class ShapeAt:
    """A shape in one frame; shape and color are indices, the rest is in units of the picture. A
    shape BAR has its color from DULL, counted on from COLOR_NAMES."""

    frame: int
    shape: int
    color: int
    x: float
    y: float
    radius: float


@dataclass
class DigitAt:
    """A digit in one frame; sample is an index into the digits' archive."""

    frame: int
    sample: int
    x: float
    y: float
    light: float = 228.0  # grey level of its plate


@dataclass
class WordAt:
    """A word in one frame; dot is the side of a letter's dot in units, light its plate's grey."""

    frame: int
    word: int  # index into WRITTEN
    x: float
    y: float
    dot: float
    light: float = 228.0
    ink: float = 20.0


@dataclass
class Labels:
    """What each patch of each frame shows, [frames, patches]: for the vision tower's own losses."""

    kind: torch.Tensor  # 0 background, 1..6 a shape, 7 a digit, 8 a word
    color: torch.Tensor  # 0 none, else color + 1
    digit: torch.Tensor  # the digit's value or IGNORED
    word: torch.Tensor  # its index or IGNORED
    middle: torch.Tensor  # of the shape, x and y from the patch's middle, in patches
    ground: torch.Tensor  # what the whole frame stands on, [frames, GROUND]

    @classmethod
    def empty(cls, grid: int, ground: torch.Tensor) -> "Labels":
        def filled(value: int) -> torch.Tensor:
            return torch.full((len(ground), grid, grid), value)

        middle = torch.zeros(len(ground), grid, grid, 2)
        return cls(filled(0), filled(0), filled(IGNORED), filled(IGNORED), middle, ground)

    def flatten(self) -> None:
        """From [frames, grid, grid] to [frames, patches]."""
        for name, value in vars(self).items():
            setattr(self, name, value.flatten(1, 2) if value.dim() > 2 else value)

    def __getitem__(self, frames) -> "Labels":
        return Labels(*(value[frames] for value in vars(self).values()))

    def to(self, device: torch.device) -> "Labels":
        return Labels(*(value.to(device) for value in vars(self).values()))


def axes(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x and y of every pixel's centre, in units of the picture."""
    steps = (torch.arange(size) + 0.5) * (SIZE / size)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return x, y


def textures(count: int, gen: torch.Generator, size: int = SIZE) -> torch.Tensor:
    """Backgrounds [count, 3, size, size]: two colours mixed by stripes, checks and noise."""

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=gen)

    def noise(cells: int) -> torch.Tensor:
        grid = rand(count, 1, cells, cells)
        return F.interpolate(grid, size=(size, size), mode="bilinear", align_corners=False)[:, 0]

    x, y = axes(size)
    base = 45 + 95 * rand(count, 1)
    first = base + 22 * (rand(count, 3) - 0.5)
    second = base + (rand(count, 1) - 0.5) * 90 + 26 * (rand(count, 3) - 0.5)

    frequency = 0.15 + 0.55 * rand(count, 1, 1)
    angle = rand(count, 1, 1) * 6.2832
    phase = rand(count, 1, 1) * 6.2832
    direction = x * torch.cos(angle) + y * torch.sin(angle)
    stripes = 0.5 + 0.5 * torch.sin(frequency * direction + phase)
    frequency = 0.25 + 0.4 * rand(count, 1, 1)
    product = torch.sin(frequency * x + phase) * torch.sin(frequency * y + angle)
    checks = 0.5 + 0.5 * torch.tanh(4 * product)
    coarse = noise(4)
    fine = noise(20)

    weight = rand(count, 4, 1, 1) ** 3 + 1e-3
    weight = weight / weight.sum(1, keepdim=True)
    mix = (weight * torch.stack([stripes, checks, coarse, fine], 1)).sum(1, keepdim=True)
    return first[:, :, None, None] * (1 - mix) + second[:, :, None, None] * mix


def ground_of(background: torch.Tensor) -> torch.Tensor:
    """Level and tint of a background's ninths, [n, GROUND], about one in size: by these scenes
    differ, whatever the light does."""
    red, green, blue = F.adaptive_avg_pool2d(background, 3).flatten(2).unbind(1)
    return torch.cat([(green - 92) / 30, (red - green) / 10, (blue - green) / 10], 1)


def distances(shape: torch.Tensor, dx: torch.Tensor, dy: torch.Tensor,
              radius: torch.Tensor) -> torch.Tensor:
    """Signed distance of each pixel from the edge of shape[i], negative inside: [n, size, size]."""
    ax, ay = dx.abs(), dy.abs()
    from_centre = (dx * dx + dy * dy).sqrt()
    circle = from_centre - radius
    square = torch.maximum(ax, ay) - 0.86 * radius
    triangle = torch.maximum(dy - 0.8 * radius, (ax * 1.8 - (dy + radius)) * 0.486)
    upright = torch.maximum(ax - 0.34 * radius, ay - radius)
    level = torch.maximum(ax - radius, ay - 0.34 * radius)
    cross = torch.minimum(level, upright)
    ring = (from_centre - 0.74 * radius).abs() - 0.26 * radius
    diamond = (ax + ay - 1.2 * radius) * 0.707
    bar = torch.maximum(ax - radius, ay - 0.3 * radius)
    every = torch.stack([circle, square, triangle, cross, ring, diamond, bar])
    return every[shape, torch.arange(len(shape))]


def layers(shapes: list[ShapeAt]) -> list[list[ShapeAt]]:
    """Splits shapes so that no layer holds two of one frame; later ones cover earlier ones."""
    out: list[list[ShapeAt]] = []
    seen: dict[int, int] = {}
    for item in shapes:
        depth = seen.get(item.frame, 0)
        seen[item.frame] = depth + 1
        if depth == len(out):
            out.append([])
        out[depth].append(item)
    return out


def draw_layer(picture: torch.Tensor, labels: Labels, layer: list[ShapeAt]) -> None:
    """Draws one shape into each frame that the layer names."""
    size = picture.shape[-1]
    scale = size / SIZE
    x, y = axes(size)
    frame = torch.tensor([s.frame for s in layer])
    shape = torch.tensor([s.shape for s in layer])
    color = torch.tensor([s.color for s in layer])
    place = torch.tensor([[s.x, s.y, s.radius] for s in layer], dtype=torch.float32)
    cx, cy, radius = place[:, :, None, None].unbind(1)

    cover = (0.5 - distances(shape, x - cx, y - cy, radius) * scale).clamp(0, 1)
    paint = PAINTS[color][:, :, None, None]
    picture[frame] = picture[frame] * (1 - cover[:, None]) + paint * cover[:, None]

    patch = F.avg_pool2d(cover[:, None], size // labels.kind.shape[-1])[:, 0] > 0.18
    asked = shape != BAR
    kind, color = torch.where(asked, shape + 1, 0), torch.where(asked, color + 1, 0)
    labels.kind[frame] = torch.where(patch, kind[:, None, None], labels.kind[frame])
    labels.color[frame] = torch.where(patch, color[:, None, None], labels.color[frame])
    grid = labels.kind.shape[-1]
    away = (place[:, None, None, :2] - torch.stack(axes(grid), -1)) * (grid / SIZE)
    labels.middle[frame] = torch.where(patch[..., None], away, labels.middle[frame])


def label_box(labels: Labels, frame: int, box: tuple[int, int, int, int], size: int,
              kind: int) -> torch.Tensor:
    """Marks the patches that a box of pixels (top, left, height, width) covers; which they are."""
    top, left, height, width = box
    cover = torch.zeros(1, 1, size, size)
    cover[:, :, top:top + height, left:left + width] = 1
    patch = F.avg_pool2d(cover, size // labels.kind.shape[-1])[0, 0] > 0.3
    labels.kind[frame][patch] = kind
    labels.color[frame][patch] = 0
    labels.digit[frame][patch] = IGNORED
    return patch


def draw_digit(picture: torch.Tensor, labels: Labels, item: DigitAt) -> None:
    """Draws a dark digit on a light plate."""
    size = picture.shape[-1]
    scale = size / SIZE
    side = round(PLATE * scale)
    inner = round(DIGIT * scale)
    margin = (side - inner) // 2
    left = int(max(0, min(SIZE - PLATE, int(item.x) - PLATE // 2)) * scale)
    top = int(max(0, min(SIZE - PLATE, int(item.y) - PLATE // 2)) * scale)

    ink = F.interpolate(SMALL_DIGITS[item.sample][None], size=(inner, inner),
                        mode="bicubic", align_corners=False)[0, 0].clamp(0, 1)
    plate = torch.full((side, side), item.light)
    inside = slice(margin, margin + inner)
    plate[inside, inside] = item.light * (1 - ink) + 18 * ink
    picture[item.frame, :, top:top + side, left:left + side] = plate
    patch = label_box(labels, item.frame, (top, left, side, side), size, KIND_DIGIT)
    labels.digit[item.frame][patch] = int(DIGIT_VALUES[item.sample])


def draw_word(picture: torch.Tensor, labels: Labels, item: WordAt) -> None:
    """Draws a word on a plate."""
    size = picture.shape[-1]
    scale = size / SIZE
    dots = letters(WRITTEN[item.word])
    high, wide = (round(n * item.dot * scale) for n in dots.shape)
    left = int(max(0, min(SIZE * scale - wide, item.x * scale - wide / 2)))
    top = int(max(0, min(SIZE * scale - high, item.y * scale - high / 2)))
    ink = F.interpolate(dots[None, None], size=(high, wide), mode="area")[0, 0]
    picture[item.frame, :, top:top + high, left:left + wide] = (
        item.light + (item.ink - item.light) * ink)
    patch = label_box(labels, item.frame, (top, left, high, wide), size, KIND_WORD)
    labels.word[item.frame][patch] = item.word


@dataclass
class Unsteady:
    """What a camera adds: shifts of each frame in pixels, its brightness, and the sensor's noise,
    one sigma in grey levels."""

    shift: list[tuple[int, int]]
    light: list[float]
    noise: float = 3.0


def shake(picture: torch.Tensor, camera: Unsteady) -> torch.Tensor:
    """The frames [n, 3, size, size] shifted, edges repeated, and brightened."""
    size = picture.shape[-1]
    most = max(max(abs(dx), abs(dy)) for dx, dy in camera.shift)
    if most:
        wide = F.pad(picture, (most, most, most, most), mode="replicate")
        picture = torch.stack([wide[i, :, most + dy:most + dy + size, most + dx:most + dx + size]
                               for i, (dx, dy) in enumerate(camera.shift)])
    return picture + torch.tensor(camera.light)[:, None, None, None]


def draw(background: torch.Tensor, which: list[int], shapes: list[ShapeAt], digits: list[DigitAt],
         gen: torch.Generator, noise: float = 3.0, *, words: Sequence[WordAt] = (), grid: int = 8,
         camera: Optional[Unsteady] = None) -> tuple[torch.Tensor, Labels]:
    """Frames uint8 [frames, size, size, 3] and their labels for grid x grid patches.

    Frame i stands on background[which[i]], whose size is that of the frames; noise is the sensor's
    where there is no camera, one sigma in grey levels.
    """
    picture = background[which].clone()
    labels = Labels.empty(grid, ground_of(background)[which])
    for layer in layers(shapes):
        draw_layer(picture, labels, layer)
    for digit in digits:
        draw_digit(picture, labels, digit)
    for word in words:
        draw_word(picture, labels, word)
    if camera:
        picture, noise = shake(picture, camera), camera.noise
    picture = picture + noise * torch.randn(picture.shape, generator=gen)
    picture = picture.clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    labels.flatten()
    return picture, labels
