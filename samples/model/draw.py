# SPDX-License-Identifier: MIT
"""Draws the sample model's world: coloured shapes and handwritten digits on textured backgrounds.

Everything is placed in a picture of 64 x 64 units, which is what the model sees. The same picture
can be drawn larger (`size`), with smooth edges, for people to look at.

The digits are the 8 x 8 pictures that scikit-learn ships: "Optical Recognition of Handwritten
Digits", E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SIZE = 64  # side of the picture that the model sees
PATCH = 8  # side of a patch
GRID = SIZE // PATCH

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
COLOR_VALUES = torch.tensor(list(COLORS.values()), dtype=torch.float32)
SHAPE_NAMES = ["circle", "square", "triangle", "cross", "ring", "diamond"]

PLATE = 22  # side of the light plate below a digit
DIGIT = 20  # side of the digit on it
KIND_DIGIT = len(SHAPE_NAMES) + 1
NO_DIGIT = -100  # the label that a loss ignores

_archive = np.load(Path(__file__).parent / "digits.npz")
SMALL_DIGITS = torch.from_numpy(_archive["images"])[:, None]
DIGIT_VALUES = _archive["labels"]
DIGIT_COUNT = len(DIGIT_VALUES)
DIGIT_TRAIN = 1400  # samples below this index train, the others test


@dataclass
class ShapeAt:
    """A shape in one frame; shape and color are indices, the rest is in units of the picture."""

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
class Labels:
    """What each patch of each frame shows, [frames, patches]: for the vision tower's own losses."""

    kind: torch.Tensor  # 0 background, 1..6 a shape, 7 a digit
    color: torch.Tensor  # 0 none, else color + 1
    digit: torch.Tensor  # the digit's value or NO_DIGIT


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
    every = torch.stack([circle, square, triangle, cross, ring, diamond])
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
    paint = COLOR_VALUES[color][:, :, None, None]
    picture[frame] = picture[frame] * (1 - cover[:, None]) + paint * cover[:, None]

    patch = F.avg_pool2d(cover[:, None], int(PATCH * scale))[:, 0] > 0.18
    labels.kind[frame] = torch.where(patch, (shape + 1)[:, None, None], labels.kind[frame])
    labels.color[frame] = torch.where(patch, (color + 1)[:, None, None], labels.color[frame])


def draw_digit(picture: torch.Tensor, labels: Labels, item: DigitAt) -> None:
    """Draws a dark digit on a light plate."""
    size = picture.shape[-1]
    scale = size // SIZE
    side = PLATE * scale
    margin = (PLATE - DIGIT) // 2 * scale
    left = max(0, min(SIZE - PLATE, int(item.x) - PLATE // 2)) * scale
    top = max(0, min(SIZE - PLATE, int(item.y) - PLATE // 2)) * scale

    ink = F.interpolate(SMALL_DIGITS[item.sample][None], size=(DIGIT * scale, DIGIT * scale),
                        mode="bicubic", align_corners=False)[0, 0].clamp(0, 1)
    plate = torch.full((side, side), item.light)
    inside = slice(margin, side - margin)
    plate[inside, inside] = item.light * (1 - ink) + 18 * ink
    picture[item.frame, :, top:top + side, left:left + side] = plate

    cover = torch.zeros(1, 1, size, size)
    cover[:, :, top:top + side, left:left + side] = 1
    patch = F.avg_pool2d(cover, PATCH * scale)[0, 0] > 0.3
    labels.kind[item.frame][patch] = KIND_DIGIT
    labels.color[item.frame][patch] = 0
    labels.digit[item.frame][patch] = int(DIGIT_VALUES[item.sample])


def draw(background: torch.Tensor, which: list[int], shapes: list[ShapeAt], digits: list[DigitAt],
         gen: torch.Generator, noise: float = 3.0) -> tuple[torch.Tensor, Labels]:
    """Frames uint8 [frames, size, size, 3] and their labels.

    Frame i stands on background[which[i]]; noise is the sensor's, one sigma in grey levels.
    """
    frames = len(which)
    picture = background[which].clone()
    labels = Labels(
        kind=torch.zeros(frames, GRID, GRID, dtype=torch.long),
        color=torch.zeros(frames, GRID, GRID, dtype=torch.long),
        digit=torch.full((frames, GRID, GRID), NO_DIGIT, dtype=torch.long),
    )
    for layer in layers(shapes):
        draw_layer(picture, labels, layer)
    for item in digits:
        draw_digit(picture, labels, item)

    picture = picture + noise * torch.randn(picture.shape, generator=gen)
    picture = picture.clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    labels.kind = labels.kind.flatten(1)
    labels.color = labels.color.flatten(1)
    labels.digit = labels.digit.flatten(1)
    return picture, labels
