# SPDX-License-Identifier: MIT
"""The sample models: a vision tower, a projector and a Llama-like language model each.

Each part computes what llama.cpp's graph of the exported file computes: the vision tower what
libmtmd's "llava" graph does, with the CLS row, where there is one, after the patches, and the
language model what architecture "llama" does, with rotary pairs stored half apart for speed (see
interleave_rows). CONFIGS names the models.
"""
from dataclasses import dataclass
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from draw import COLOR_NAMES, GROUND, KINDS, SHAPE_NAMES
from telling import LAYERS, Teller
from vocabulary import PIECES, WRITTEN

IMAGE_MEAN, IMAGE_STD = 0.5, 0.25


@dataclass(frozen=True)
class Config:
    """Sizes of all parts; head sizes are width / heads."""

    name: str = "sample"
    world: str = "plain"  # what it is shown, see worlds.py
    pixels: int = 64  # side of a picture
    patch: int = 8
    cls: bool = True  # CLIP's kind: a CLS row, and a norm before the first layer
    activation: str = "silu"  # of the tower; "gelu" is the one by tanh
    vision_width: int = 192
    vision_heads: int = 3
    vision_layers: int = 5
    vision_hidden: int = 768
    projector_hidden: int = 384
    width: int = 256
    heads: int = 4
    layers: int = 6
    hidden: int = 640  # must differ from width: libmtmd swaps up and down where they are equal
    context: int = 4096
    vocabulary: int = len(PIECES)
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def grid(self) -> int:
        """Patches of a side."""
        return self.pixels // self.patch

    @property
    def patches(self) -> int:
        return self.grid * self.grid

    @property
    def rows(self) -> int:
        """Of a picture, from the tower. CLS is the last."""
        return self.patches + self.cls

    @property
    def given(self) -> list[int]:
        """Rows that libmtmd gives: with CLS last it takes rows 1 up to and with CLS."""
        return list(range(1, self.rows)) if self.cls else list(range(self.patches))


CONFIGS = {config.name: config for config in (
    Config(),
    Config(name="clip", world="rich", pixels=96, vision_layers=6, context=8192),
    Config(name="siglip", world="rich", pixels=96, vision_layers=6, context=8192, cls=False,
           activation="gelu"),
)}


def split_heads(projected: Tensor, heads: int) -> Tensor:
    """[batch, rows, 3 * width] -> q, k, v, each [batch, heads, rows, head]."""
    batch, rows, _ = projected.shape
    return projected.view(batch, rows, 3, heads, -1).permute(2, 0, 3, 1, 4)


def join_heads(mixed: Tensor) -> Tensor:
    """[batch, heads, rows, head] -> [batch, rows, width]."""
    return mixed.transpose(1, 2).flatten(2)


# ---- vision tower ----


class VisionBlock(nn.Module):
    """A pre-norm transformer layer; its attention is returned too."""

    def __init__(self, config: Config):
        super().__init__()
        width = config.vision_width
        self.heads = config.vision_heads
        self.gelu = config.activation == "gelu"
        self.norm1 = nn.LayerNorm(width, eps=config.epsilon)
        self.norm2 = nn.LayerNorm(width, eps=config.epsilon)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, config.vision_hidden)
        self.down = nn.Linear(config.vision_hidden, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v = split_heads(self.qkv(self.norm1(x)), self.heads)
        scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-1, -2))
        attention = scores.softmax(-1)
        x = x + self.out(join_heads(torch.matmul(attention.to(v.dtype), v)))
        inner = self.up(self.norm2(x))
        x = x + self.down(F.gelu(inner, approximate="tanh") if self.gelu else F.silu(inner))
        return x, attention


class VisionTower(nn.Module):
    """Frames in, patch rows and the CLS row, if any, out. There is no norm after the last layer."""

    def __init__(self, config: Config):
        super().__init__()
        width = config.vision_width
        self.config = config
        self.patch = nn.Linear(3 * config.patch ** 2, width)
        if config.cls:
            self.cls = nn.Parameter(torch.randn(width) * 0.02)
            self.pre_norm = nn.LayerNorm(width, eps=config.epsilon)
        self.position = nn.Parameter(torch.randn(config.rows, width) * 0.02)
        self.blocks = nn.ModuleList(VisionBlock(config) for _ in range(config.vision_layers))

    def cut(self, frames: Tensor) -> Tensor:
        """uint8 [n, side, side, 3] -> normalised patches [n, patches, 3 * patch * patch], channels
        first."""
        config = self.config
        grid, side = config.grid, config.patch
        x = frames.to(self.position.device).view(-1, grid, side, grid, side, 3).permute(0, 1, 3, 5, 2, 4)
        x = x.reshape(-1, config.patches, 3 * side * side)
        return (x.float() / 255 - IMAGE_MEAN) / IMAGE_STD

    def start(self, frames: Tensor) -> Tensor:
        """Rows as the first layer gets them."""
        x = self.patch(self.cut(frames))
        if not self.config.cls:
            return x + self.position.to(x.dtype)
        cls = self.cls.to(x.dtype).expand(x.shape[0], 1, -1)
        return self.pre_norm(torch.cat([x, cls], 1) + self.position.to(x.dtype))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Rows [n, rows, width] and the last layer's attention [n, heads, rows, rows]."""
        x = self.start(frames)
        attention = x
        for block in self.blocks:
            x, attention = block(x)
        return x, attention


class Projector(nn.Module):
    """Vision rows to the language model's width."""

    def __init__(self, config: Config):
        super().__init__()
        self.first = nn.Linear(config.vision_width, config.projector_hidden)
        self.second = nn.Linear(config.projector_hidden, config.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(F.gelu(self.first(x), approximate="tanh"))


class Heads(nn.Module):
    """What the model is trained with beside answers; not exported. Patches must tell what they show,
    where they are, where the middle of their thing is and what the frame stands on, and so must the
    projected rows: behind a filter nothing else says it. In the language model rows and the names of
    things tell what telling.py asks. A tower without CLS is summed up by the rows that its last layer
    looks at, so that its attention finds what matters, as that of CLS does."""

    def __init__(self, config: Config):
        super().__init__()
        width = config.vision_width
        rich = config.world == "rich"
        self.cls = config.cls
        self.patches = config.patches
        self.kind = nn.Linear(width, KINDS if rich else KINDS - 1)
        self.color = nn.Linear(width, 1 + len(COLOR_NAMES))
        self.digit = nn.Linear(width, 10)
        self.word = nn.Linear(width, len(WRITTEN)) if rich else None
        self.place = nn.Linear(width, 2 * config.grid)  # a patch's own row and column
        self.given_place = nn.Linear(config.width, 2 * config.grid)  # the same, once projected
        self.middle = nn.Linear(width, 2)  # of its thing, from its own
        self.given_middle = nn.Linear(config.width, 2)
        self.ground = nn.Linear(width, GROUND)
        self.given_ground = nn.Linear(config.width, GROUND)
        self.told = Teller(config.width)
        known = len(SHAPE_NAMES) * len(COLOR_NAMES) + 10 + (len(WRITTEN) if rich else 0)
        self.summary = nn.Linear(width, known)

    def whole(self, rows: Tensor, attention: Tensor) -> Tensor:
        """One row for the picture; rows [n, rows, width] and the last layer's attention. Without CLS
        only the attention learns by it: rows of background could else bring what things show."""
        if self.cls:
            return rows[:, self.patches]
        return (attention.mean((1, 2))[..., None] * rows.detach()).sum(1)


# ---- language model ----


class RootMeanSquare(torch.autograd.Function):
    """RMS norm in bfloat16 with float32 sums: half the memory traffic of the generic one."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        scale = (norm.square() / x.shape[-1] + epsilon).rsqrt().to(x.dtype)
        scaled = x * scale
        ctx.save_for_backward(scaled, scale, weight)
        return scaled * weight.to(x.dtype)

    @staticmethod
    def backward(ctx, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        (grad,) = grads
        scaled, scale, weight = ctx.saved_tensors
        product = (grad * scaled).reshape(-1, grad.shape[-1])
        grad_weight = product.sum(0, dtype=torch.float32)
        grad = grad * weight.to(grad.dtype)
        mean = (grad * scaled).mean(-1, keepdim=True, dtype=torch.float32).to(grad.dtype)
        return (grad - scaled * mean) * scale, grad_weight, None


class Norm(nn.Module):
    """RMS norm."""

    def __init__(self, width: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == torch.bfloat16:
            return RootMeanSquare.apply(x, self.weight, self.epsilon)
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on the pairs (i, i + head / 2)."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


def interleave_rows(weight: Tensor, heads: int) -> Tensor:
    """Reorders q or k rows so that pairs are (2i, 2i + 1), as llama.cpp rotates them."""
    half = weight.shape[0] // heads // 2
    return weight.view(heads, 2, half, -1).transpose(1, 2).reshape(weight.shape)


def half_rows(weight: Tensor, heads: int) -> Tensor:
    """Undoes interleave_rows."""
    half = weight.shape[0] // heads // 2
    return weight.view(heads, half, 2, -1).transpose(1, 2).reshape(weight.shape)


FUSED_FROM = 420  # rows; below, three plain calls are faster than the fused one on a CPU


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention with an additive mask."""
    mask = mask.to(q.dtype)
    if q.shape[2] > FUSED_FROM:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-1, -2)) + mask
    return torch.matmul(scores.softmax(-1).to(v.dtype), v)


class TextBlock(nn.Module):
    """A Llama layer."""

    def __init__(self, config: Config):
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm1 = Norm(width, config.epsilon)
        self.norm2 = Norm(width, config.epsilon)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        q, k, v = split_heads(self.qkv(self.norm1(x)), self.heads)
        q = rotate(q, cos, sin).to(v.dtype)
        k = rotate(k, cos, sin).to(v.dtype)
        x = x + self.out(join_heads(attend(q, k, v, mask)))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class LanguageModel(nn.Module):
    """Rows in (embedded tokens and visual rows), rows out; `output` makes logits of them."""

    def __init__(self, config: Config):
        super().__init__()
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.blocks = nn.ModuleList(TextBlock(config) for _ in range(config.layers))
        self.norm = Norm(config.width, config.epsilon)
        self.output = nn.Linear(config.width, config.vocabulary, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.08)
        head = config.width // config.heads
        frequency = config.rope_base ** (-torch.arange(0, head, 2).float() / head)
        self.register_buffer("frequency", frequency, persistent=False)

    def forward(self, x: Tensor, position: Tensor, mask: Tensor) -> tuple[Tensor, list[Tensor]]:
        """x [batch, rows, width], position [batch, rows], mask [batch, 1, rows, rows]. Also the rows
        as they are after the layers where telling.py asks them."""
        angle = position[:, None, :, None].float() * self.frequency
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        after = []
        for block in self.blocks:
            x = block(x, cos, sin, mask)
            after.append(x)
        return self.norm(x), after[:LAYERS]


class SampleModel(nn.Module):
    """All parts together."""

    def __init__(self, config: Optional[Config] = None):
        super().__init__()
        self.config = config or Config()
        self.vision = VisionTower(self.config)
        self.projector = Projector(self.config)
        self.text = LanguageModel(self.config)
        self.heads = Heads(self.config)
        for part in (self.vision, self.text):
            self._initialise(part)

    @staticmethod
    def _initialise(part: nn.Module) -> None:
        """Unit-scale layers, with quieter ends so that a residual stream grows slowly."""
        for layer in part.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.8 * layer.weight.shape[1] ** -0.5)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        with torch.no_grad():
            for block in part.blocks:
                block.out.weight.mul_(0.4)
                block.down.weight.mul_(0.4)
