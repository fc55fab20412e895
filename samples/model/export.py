# SPDX-License-Identifier: MIT
"""Writes a checkpoint as the GGUF pair that llama.cpp loads.

    python export.py CHECKPOINT PREFIX [--layout last|first] [--type f16|f32] [--model NAME]

makes PREFIX.gguf and PREFIX-mmproj.gguf. --layout says where the reader's graph has the CLS row, if
the tower has one: libmtmd 0.5.0 puts it last, a graph that follows the LLaVA models puts it first. Only the order of
the position table differs; the key winnow.cls_layout names it, so that a reader can refuse a pair
which it would misread.
"""
import argparse
from pathlib import Path

import gguf
import numpy as np
import torch
from torch import Tensor, nn

from forms import PROMPTS
from model import CONFIGS, IMAGE_MEAN, IMAGE_STD, Config, SampleModel, interleave_rows
from vocabulary import BOS, EOS, PIECES, UNKNOWN
from weights import load

NAMES = {"sample": "winnow sample", "clip": "winnow sample with a CLIP-like tower",
         "siglip": "winnow sample with a SigLIP-like tower"}
DESCRIPTION = ("A small vision-language model trained from nothing for winnow's samples: rendered "
               "scenes of coloured shapes and handwritten digits (digits: UCI, CC BY 4.0).")
FRAME_LABEL = "frame {n}:"
CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m['role']=='user' %}{{ 'USER:' + m['content'] + ' ASSISTANT:' }}"
    "{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
)


class Writer:
    """One GGUF file: the keys that both have, and tensors by name."""

    def __init__(self, path: Path, architecture: str, name: str, config: Config,
                 args: argparse.Namespace):
        self.file = gguf.GGUFWriter(path, architecture)
        self.half = args.type == "f16"
        self.file.add_name(name)
        self.file.add_description(DESCRIPTION)
        self.file.add_version("1")
        self.file.add_license("MIT")
        self.file.add_string("winnow.sample", config.name)
        if config.cls:
            self.file.add_string("winnow.cls_layout", args.layout)
        kind = gguf.LlamaFileType.MOSTLY_F16 if self.half else gguf.LlamaFileType.ALL_F32
        self.file.add_file_type(kind)

    def tensor(self, name: str, value: Tensor, exact: bool = False) -> None:
        """Matrices in the file's type, vectors and `exact` ones in float32."""
        array = value.detach().float().numpy()
        if self.half and array.ndim > 1 and not exact:
            array = array.astype(np.float16)
        self.file.add_tensor(name, np.ascontiguousarray(array))

    def layer(self, name: str, layer: nn.Module) -> None:
        self.tensor(name + ".weight", layer.weight)
        self.tensor(name + ".bias", layer.bias)

    def close(self) -> None:
        self.file.write_header_to_file()
        self.file.write_kv_data_to_file()
        self.file.write_tensors_to_file()
        self.file.close()


def add_tokenizer(file: gguf.GGUFWriter) -> None:
    file.add_tokenizer_model("llama")
    file.add_tokenizer_pre("default")
    texts, scores, types = zip(*PIECES)
    file.add_token_list([text.encode() for text in texts])
    file.add_token_scores(list(scores))
    file.add_token_types(list(types))
    file.add_bos_token_id(BOS)
    file.add_eos_token_id(EOS)
    file.add_unk_token_id(UNKNOWN)
    file.add_add_bos_token(True)
    file.add_add_eos_token(False)
    file.add_add_space_prefix(True)
    file.add_chat_template(CHAT_TEMPLATE)


def write_text(model: SampleModel, path: Path, args: argparse.Namespace) -> None:
    """The language model."""
    config, text = model.config, model.text
    writer = Writer(path, "llama", NAMES[config.name], config, args)
    file = writer.file
    file.add_string("winnow.frame_label", FRAME_LABEL)
    for key, value in PROMPTS.items():
        file.add_string(key, value)
    file.add_context_length(config.context)
    file.add_embedding_length(config.width)
    file.add_block_count(config.layers)
    file.add_feed_forward_length(config.hidden)
    file.add_head_count(config.heads)
    file.add_head_count_kv(config.heads)
    file.add_layer_norm_rms_eps(config.epsilon)
    file.add_rope_dimension_count(config.width // config.heads)
    file.add_rope_freq_base(config.rope_base)
    file.add_vocab_size(config.vocabulary)
    add_tokenizer(file)

    writer.tensor("token_embd.weight", text.embedding.weight)
    writer.tensor("output_norm.weight", text.norm.weight)
    writer.tensor("output.weight", text.output.weight)
    for index, block in enumerate(text.blocks):
        q, k, v = block.qkv.weight.chunk(3)
        gate, up = block.gate_up.weight.chunk(2)
        tensors = {
            "attn_norm": block.norm1.weight,
            "attn_q": interleave_rows(q, config.heads),
            "attn_k": interleave_rows(k, config.heads),
            "attn_v": v,
            "attn_output": block.out.weight,
            "ffn_norm": block.norm2.weight,
            "ffn_gate": gate,
            "ffn_up": up,
            "ffn_down": block.down.weight,
        }
        for name, value in tensors.items():
            writer.tensor(f"blk.{index}.{name}.weight", value)
    writer.close()


def write_vision_keys(model: SampleModel, file: gguf.GGUFWriter) -> None:
    config = model.config
    file.add_string("clip.projector_type", "mlp")
    file.add_bool("clip.has_vision_encoder", True)
    file.add_bool("clip.use_silu", config.activation == "silu")
    file.add_bool("clip.use_gelu", config.activation == "gelu")
    sizes = {
        "image_size": config.pixels,
        "patch_size": config.patch,
        "embedding_length": config.vision_width,
        "feed_forward_length": config.vision_hidden,
        "block_count": config.vision_layers,
        "projection_dim": config.width,
        "attention.head_count": config.vision_heads,
    }
    for name, value in sizes.items():
        file.add_uint32("clip.vision." + name, value)
    file.add_float32("clip.vision.attention.layer_norm_epsilon", config.epsilon)
    file.add_array("clip.vision.image_mean", [IMAGE_MEAN] * 3)
    file.add_array("clip.vision.image_std", [IMAGE_STD] * 3)
    # Without this key libmtmd leaves the last layer out.
    file.add_array("clip.vision.feature_layer", [config.vision_layers])


def write_vision(model: SampleModel, path: Path, args: argparse.Namespace) -> None:
    """Vision tower and projector."""
    config, vision = model.config, model.vision
    writer = Writer(path, "clip", NAMES[config.name] + ", vision tower", config, args)
    write_vision_keys(model, writer.file)

    kernel = vision.patch.weight.view(config.vision_width, 3, config.patch,
                                       config.patch)
    writer.tensor("v.patch_embd.weight", kernel)
    writer.tensor("v.patch_embd.bias", vision.patch.bias)
    position = vision.position
    # libmtmd adds and joins CLS and positions to float32 rows, so they must be that too.
    if config.cls:
        if args.layout == "first":
            position = torch.cat([position[-1:], position[:-1]])
        writer.tensor("v.class_embd", vision.cls, exact=True)
        writer.layer("v.pre_ln", vision.pre_norm)
    writer.tensor("v.position_embd.weight", position, exact=True)
    for index, block in enumerate(vision.blocks):
        prefix = f"v.blk.{index}."
        weights, biases = block.qkv.weight.chunk(3), block.qkv.bias.chunk(3)
        for name, weight, bias in zip(("attn_q", "attn_k", "attn_v"), weights, biases):
            writer.tensor(f"{prefix}{name}.weight", weight)
            writer.tensor(f"{prefix}{name}.bias", bias)
        writer.layer(prefix + "attn_out", block.out)
        writer.layer(prefix + "ln1", block.norm1)
        writer.layer(prefix + "ln2", block.norm2)
        writer.layer(prefix + "ffn_up", block.up)
        writer.layer(prefix + "ffn_down", block.down)
    writer.layer("mm.0", model.projector.first)
    writer.layer("mm.2", model.projector.second)
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="write a checkpoint as a GGUF pair")
    parser.add_argument("checkpoint", help="a file of train.py, a GGUF file to write anew, or "
                                           "random for untrained weights")
    parser.add_argument("prefix", help="path of the files without .gguf and -mmproj.gguf")
    parser.add_argument("--layout", choices=["last", "first"], default="last",
                        help="where the reader's graph has the CLS row")
    parser.add_argument("--type", choices=["f16", "f32"], default="f16", help="of matrices")
    parser.add_argument("--model", choices=CONFIGS, default="sample", help="of untrained weights")
    args = parser.parse_args()
    torch.manual_seed(0)
    untrained = args.checkpoint == "random"
    model = SampleModel(CONFIGS[args.model]) if untrained else load(Path(args.checkpoint))
    write_text(model, Path(args.prefix + ".gguf"), args)
    write_vision(model, Path(args.prefix + "-mmproj.gguf"), args)


if __name__ == "__main__":
    main()
