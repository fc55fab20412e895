# SPDX-License-Identifier: MIT
"""Rows that winnow exported, in Hugging Face transformers.

    winnow compress film.mp4 -m MODEL.gguf --filters fps=1,vtc_cls=keep=8 -o rows.safetensors
    python rows.py MODEL.gguf rows.safetensors "what color is the circle?"

Makes a LlamaForCausalLM of the GGUF's weights, puts the rows between the tokens of the question as
`inputs_embeds`, and prints the answer. With --check the logits of the answer's first token are
compared with llama.cpp's, and so are the tokens of the prompt; the file is what
`rows_logits MODEL.gguf rows.safetensors QUESTION` of winnow's build writes. Ends with 1 where the
largest difference, relative to the largest logit, is above --tolerance or the answer differs.

For Llama models whose chat template begins USER: and ends ASSISTANT:, as the sample model's.
"""
import argparse
import os
import struct
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gguf  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402
from torch import Tensor  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

SPACE = "\u2581"
NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
         "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj"}


class Tokenizer:
    """SentencePiece as llama.cpp does it: of all neighbours the pair with the best score joins."""

    def __init__(self, texts: list[str], scores: list[float]):
        self.texts, self.scores = texts, scores
        self.ids = {text: index for index, text in enumerate(texts)}

    def encode(self, text: str) -> list[int]:
        parts = list(SPACE + text.replace(" ", SPACE))
        while True:
            joins = [(self.scores[self.ids[a + b]], -i) for i, (a, b) in enumerate(zip(parts, parts[1:]))
                     if a + b in self.ids]
            if not joins:
                break
            at = -max(joins)[1]
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return [i for p in parts for i in
                ([self.ids[p]] if p in self.ids else [self.ids[f"<0x{b:02X}>"] for b in p.encode()])]

    def decode(self, ids: list[int]) -> str:
        return "".join(self.texts[i] for i in ids).replace(SPACE, " ").strip()


def pairs_apart(weight: Tensor, heads: int) -> Tensor:
    """llama.cpp turns neighbouring numbers of a head against each other, transformers its halves."""
    rows, width = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, width).transpose(1, 2).reshape(rows, width)


class File:
    """What of a GGUF file matters here."""

    def __init__(self, path: Path):
        self.reader = gguf.GGUFReader(path)
        self.tensors = {t.name: torch.from_numpy(np.array(gguf.quants.dequantize(t.data, t.tensor_type)))
                        .float() for t in self.reader.tensors}

    def get(self, key: str):
        field = self.reader.get_field(key)
        return field.contents() if field else None

    def model(self) -> LlamaForCausalLM:
        if self.get("general.architecture") != "llama":
            sys.exit("this example is for models of the architecture llama")
        heads, kv_heads = self.get("llama.attention.head_count"), self.get("llama.attention.head_count_kv")
        config = LlamaConfig(
            vocab_size=len(self.tensors["token_embd.weight"]), hidden_size=self.get("llama.embedding_length"),
            intermediate_size=self.get("llama.feed_forward_length"), num_hidden_layers=self.get("llama.block_count"),
            num_attention_heads=heads, num_key_value_heads=kv_heads,
            max_position_embeddings=self.get("llama.context_length"),
            rms_norm_eps=self.get("llama.attention.layer_norm_rms_epsilon"),
            rope_theta=self.get("llama.rope.freq_base") or 10000.0, tie_word_embeddings=False,
            bos_token_id=self.get("tokenizer.ggml.bos_token_id"), eos_token_id=self.get("tokenizer.ggml.eos_token_id"))
        state = {"model.embed_tokens.weight": self.tensors["token_embd.weight"],
                 "model.norm.weight": self.tensors["output_norm.weight"],
                 "lm_head.weight": self.tensors.get("output.weight", self.tensors["token_embd.weight"])}
        for layer in range(config.num_hidden_layers):
            for old, new in NAMES.items():
                weight = self.tensors[f"blk.{layer}.{old}.weight"]
                if old in ("attn_q", "attn_k"):
                    weight = pairs_apart(weight, heads if old == "attn_q" else kv_heads)
                state[f"model.layers.{layer}.{new}.weight"] = weight
        model = LlamaForCausalLM(config).eval()
        model.load_state_dict(state, strict=True)
        return model

    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self.get("tokenizer.ggml.tokens"), self.get("tokenizer.ggml.scores"))


def prompt(file: File, path: Path, question: str) -> tuple[list[int], Tensor]:
    """Tokens, or -1 - i where row i stands, and the rows."""
    with safe_open(path, "pt") as rows:
        meta = rows.metadata()
        if meta.get("schema") != "winnow-rows/1" or rows.get_slice("pos").get_shape() != [len(rows.get_tensor("frame"))]:
            sys.exit(f"{path}: not rows for a model without M-RoPE")
        frame, cell = rows.get_tensor("frame").tolist(), rows.get_tensor("cell").tolist()
        times, data = rows.get_tensor("frame_t_s").tolist(), rows.get_tensor("embeds").float()
        if len(rows.get_tensor("part_tokens")):
            sys.exit(f"{path}: its frames want tokens of their own, which this example has not")
    tokenizer = file.tokenizer()
    label = (file.get("winnow.frame_label") or "[{t}]") if meta["video"] == "true" else ""
    ids, text = [file.get("tokenizer.ggml.bos_token_id")], "USER:"
    for f in sorted(set(frame)):
        t = times[f]
        if label:
            text += (" " if text else "") + label.replace("{n}", str(f + 1)).replace(
                "{t}", f"{int(t) // 60}:{int(t) % 60:02d}")
        ids += tokenizer.encode(text) if text else []
        ids += [-1 - row for _, row in sorted((cell[i], i) for i in range(len(frame)) if frame[i] == f)]
        text = ""
    return ids + tokenizer.encode((text + " " if text else "") + question + " ASSISTANT:"), data


def embed(model: LlamaForCausalLM, ids: list[int], rows: Tensor) -> Tensor:
    table = model.get_input_embeddings().weight
    return torch.stack([table[i] if i >= 0 else rows[-1 - i] for i in ids])[None]


def answer(model: LlamaForCausalLM, embeds: Tensor, tokens: int) -> list[int]:
    """Greedy, with a cache of keys and values."""
    said: list[int] = []
    past, feed = None, {"inputs_embeds": embeds}
    while len(said) < tokens:
        out = model(**feed, past_key_values=past, use_cache=True)
        token = int(out.logits[0, -1].argmax())
        if token == model.config.eos_token_id:
            break
        said.append(token)
        past, feed = out.past_key_values, {"input_ids": torch.tensor([[token]])}
    return said


def check(path: Path, ids: list[int], logits: Tensor, tolerance: float) -> bool:
    data = path.read_bytes()
    n = struct.unpack_from("<i", data)[0]
    theirs = list(struct.unpack_from(f"<{n}i", data, 4))
    want = torch.frombuffer(bytearray(data[8 + 4 * n:]), dtype=torch.float32)
    if theirs != ids:
        print(f"the prompts differ: {len(ids)} cells here, {n} there", file=sys.stderr)
        return False
    worst, largest = float((logits - want).abs().max()), float(want.abs().max())
    same = int(logits.argmax()) == int(want.argmax())
    print(f"{n} cells; largest difference of {len(want)} logits {worst:.2e}, {worst / largest:.2e} of the largest; "
          f"the first token is {'the same' if same else 'another'}", file=sys.stderr)
    return same and worst <= tolerance * largest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("question")
    parser.add_argument("--check", type=Path)
    parser.add_argument("--tolerance", type=float, default=2e-3)
    parser.add_argument("--max-tokens", type=int, default=64)
    args = parser.parse_args()
    file = File(args.model)
    ids, rows = prompt(file, args.rows, args.question)
    model = file.model()
    with torch.inference_mode():
        embeds = embed(model, ids, rows)
        print(file.tokenizer().decode(answer(model, embeds, args.max_tokens)))
        if args.check and not check(args.check, ids, model(inputs_embeds=embeds).logits[0, -1], args.tolerance):
            sys.exit(1)


main()
