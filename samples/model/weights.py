# SPDX-License-Identifier: MIT
"""Reads a trained model: a checkpoint of train.py, or a GGUF pair that export.py wrote."""
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model import CONFIGS, Config, SampleModel, half_rows


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a GGUF file, in float32."""
    tensors = gguf.GGUFReader(path).tensors
    return {t.name: torch.from_numpy(np.array(t.data)).float() for t in tensors}


def grow(table: Tensor, rows: int) -> Tensor:
    """A table of tokens with rows for words that came later: near the mean, so that they are not
    likely before they are trained."""
    more = rows - table.shape[0]
    if more <= 0:
        return table
    mean, spread = table.mean(0, keepdim=True), table.std(0, keepdim=True)
    gen = torch.Generator().manual_seed(0)
    fresh = mean + 0.5 * spread * torch.randn(more, table.shape[1], generator=gen)
    return torch.cat([table, fresh])


def text_state(file: dict[str, Tensor], layers: int, heads: int) -> dict[str, Tensor]:
    """The language model's part of a state dict."""
    state = {
        "text.embedding.weight": file["token_embd.weight"],
        "text.norm.weight": file["output_norm.weight"],
        "text.output.weight": file["output.weight"],
    }
    for index in range(layers):
        def old(name: str, prefix: str = f"blk.{index}.") -> Tensor:
            return file[prefix + name + ".weight"]

        rows = [half_rows(old("attn_q"), heads), half_rows(old("attn_k"), heads), old("attn_v")]
        block = {
            "qkv": torch.cat(rows),
            "gate_up": torch.cat([old("ffn_gate"), old("ffn_up")]),
            "norm1": old("attn_norm"),
            "norm2": old("ffn_norm"),
            "out": old("attn_output"),
            "down": old("ffn_down"),
        }
        for name, value in block.items():
            state[f"text.blocks.{index}.{name}.weight"] = value
    return state


VISION_BLOCK = {"out": "attn_out", "norm1": "ln1", "norm2": "ln2", "up": "ffn_up",
                "down": "ffn_down"}


def vision_state(file: dict[str, Tensor], config: Config, cls_first: bool) -> dict[str, Tensor]:
    """The vision tower's and the projector's part of a state dict."""
    position = file["v.position_embd.weight"]
    if config.cls and cls_first:
        position = torch.cat([position[1:], position[:1]])
    state = {
        "vision.patch.weight": file["v.patch_embd.weight"].flatten(1),
        "vision.patch.bias": file["v.patch_embd.bias"],
        "vision.position": position,
    }
    named = {"projector.first": "mm.0", "projector.second": "mm.2"}
    if config.cls:
        state["vision.cls"] = file["v.class_embd"]
        named["vision.pre_norm"] = "v.pre_ln"
    for kind in (".weight", ".bias"):
        for new, old in named.items():
            state[new + kind] = file[old + kind]
        for index in range(config.vision_layers):
            new, old = f"vision.blocks.{index}.", f"v.blk.{index}."
            parts = [file[old + name + kind] for name in ("attn_q", "attn_k", "attn_v")]
            state[new + "qkv" + kind] = torch.cat(parts)
            for name, other in VISION_BLOCK.items():
                state[new + name + kind] = file[old + other + kind]
    return state


def text_of(path: Path, key: str, default: str) -> str:
    """A key of a GGUF file."""
    field = gguf.GGUFReader(path).fields.get(key)
    return field.contents() if field else default


def save(model: SampleModel, path: Path) -> None:
    """A checkpoint, as a whole file or not at all."""
    part = path.with_suffix(".part")
    torch.save({"config": model.config.name, "model": model.state_dict()}, part)
    part.replace(path)


def stretched(position: Tensor, old: Config, new: Config) -> Tensor:
    """Places of a grid of patches, for a grid of another size; a CLS row stays what it is."""
    grid = position[:old.patches].view(old.grid, old.grid, -1).permute(2, 0, 1)
    wide = F.interpolate(grid[None], (new.grid, new.grid), mode="bicubic", align_corners=False)
    rows = wide[0].permute(1, 2, 0).reshape(new.patches, -1)
    return torch.cat([rows, position[old.patches:]]) if new.cls else rows


def grown(other: SampleModel, config: Config) -> SampleModel:
    """A model that begins with what another one knows: all tensors that both have in one size.
    Layers that the other lacks begin as new ones do."""
    model = SampleModel(config)
    old, state = other.state_dict(), model.state_dict()
    same = {name: value for name, value in old.items()
            if name in state and state[name].shape == value.shape}
    if other.config.patch == config.patch and other.config.cls >= config.cls:
        same["vision.position"] = stretched(old["vision.position"], other.config, config)
    model.load_state_dict(state | same)
    return model


def filled(config: Config, state: dict[str, Tensor], path: Path) -> SampleModel:
    """A model with these tensors. Heads, which only training has, may lack some."""
    model = SampleModel(config)
    missing = sorted(name for name in set(model.state_dict()) - set(state)
                     if not name.startswith("heads."))
    if missing:
        raise ValueError(f"{path} lacks {missing[0]}")
    model.load_state_dict(state, strict=False)
    return model


def load(path: Path) -> SampleModel:
    """A model from CHECKPOINT.pt or from PREFIX.gguf with PREFIX-mmproj.gguf beside it."""
    if path.suffix != ".gguf":
        saved = torch.load(path, weights_only=True, map_location="cpu")
        return filled(CONFIGS[saved["config"]], saved["model"], path)
    vision = path.with_name(path.stem + "-mmproj.gguf")
    config = CONFIGS[text_of(path, "winnow.sample", "sample")]
    state = text_state(read_tensors(path), config.layers, config.heads)
    first = text_of(vision, "winnow.cls_layout", "last") == "first"
    state |= vision_state(read_tensors(vision), config, first)
    for name in ("text.embedding.weight", "text.output.weight"):
        state[name] = grow(state[name], config.vocabulary)
    return filled(config, state, path)
