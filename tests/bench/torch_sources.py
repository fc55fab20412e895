# SPDX-License-Identifier: MIT
"""What torch_methods.py is written with: rows, the authors' functions, and the list of methods."""
import ast
import math
import os
import subprocess
import textwrap
import types

try:
    import numpy
    import torch
    import torch.nn.functional as F
except ImportError:  # the one that starts the workers needs none
    numpy = torch = F = None


class Missing(Exception):
    pass


class Shape:
    def __init__(self, frames, height, width, dim):
        self.frames, self.height, self.width, self.dim = frames, height, width, dim

    def __str__(self):
        return f"{self.frames} x {self.height * self.width} x {self.dim}"


IMAGES = Shape(16, 24, 24, 1024)  # LLaVA-1.5's pictures
VIDEO = Shape(64, 14, 14, 3584)   # LLaVA-OneVision's frames
CLIP = Shape(16, 14, 14, 3584)    # fewer, where the authors' memory ends
FEW = Shape(4, 14, 14, 1024)      # where a call of the authors' code would take a minute


class Rows:
    """Random rows with what a CLIP tower would give beside them."""

    def __init__(self, shape):
        g = torch.Generator().manual_seed(1)
        n = shape.height * shape.width
        scene = torch.randn(1, n, shape.dim, generator=g)
        self.x = 0.8 * scene + 0.5 * torch.randn(shape.frames, n, shape.dim, generator=g)
        self.attn = torch.rand(shape.frames, 16, n, generator=g).softmax(-1)
        self.layers = torch.rand(7, shape.frames, 16, n, generator=g).softmax(-1)
        self.keys = torch.randn(shape.frames, n, shape.dim, generator=g)
        self.grid = (shape.height, shape.width)


class Sources:
    """Functions cut out of the authors' files, so that nothing else of them is imported."""

    def __init__(self, folder):
        self.folder = folder

    def text(self, repo, path):
        for name in (repo, repo.replace("/", "+")):
            root = os.path.join(self.folder or "", name)
            if self.folder and os.path.isfile(os.path.join(root, path)):
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    return file.read()
            bare = os.path.join(root, "repo")
            if self.folder and os.path.isdir(bare):
                out = subprocess.run(["git", "--git-dir", bare, "show", f"HEAD:{path}"],
                                     capture_output=True, text=True)
                if out.returncode == 0:
                    return out.stdout
        raise Missing(repo)

    def functions(self, repo, path, *names, near=None):
        """Those functions and classes of a file, methods too, or all at its top; in sight of each
        other and of what is `near`."""
        import collections
        import typing

        text = self.text(repo, path)
        space = {"torch": torch, "F": F, "nn": torch.nn, "math": math, "np": numpy,
                 "numpy": numpy, "einsum": torch.einsum, **vars(typing),
                 "defaultdict": collections.defaultdict, "rank0_print": lambda *a: None}
        try:
            import einops
            space.update(ein=einops, einops=einops, rearrange=einops.rearrange)
        except ImportError:
            if "rearrange(" in text:
                raise Missing("einops") from None
        space.update(near or {})
        found = {node.name: node for node in ast.walk(ast.parse(text))
                 if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        body = ast.parse(text).body
        if not names:
            exec("\n".join(ast.get_source_segment(text, node) for node in body
                           if isinstance(node, ast.Assign)), space)
            names = [node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        for name in names:
            if name not in found:
                raise Missing(f"{repo}: {name}")
            node = found[name]
            first = min([node.lineno] + [d.lineno for d in node.decorator_list])
            lines = text.splitlines()[first - 1:node.end_lineno]
            exec(textwrap.dedent("\n".join(lines)), space)
        return types.SimpleNamespace(**{name: space[name] for name in names})


class Method:
    def __init__(self, name, chain, shape, author, plain):
        self.name, self.chain, self.shape = name, chain, shape
        self.author, self.plain = author, plain


class Run:
    def __init__(self, method, sources):
        self.rows = Rows(method.shape)
        self.before = self.rows.x
        try:
            if not method.author:
                raise Missing(method.name)
            self.run, self.kind = method.author(self.rows, sources), "authors"
        except Missing:
            if not method.plain:
                raise
            self.run, self.kind = method.plain(self.rows), "plain"

    def prepare(self):
        """Some of the authors' code writes into its input."""


METHODS = {}


def method(chain, shape, name=None):
    def add(make):
        key = name or chain.split("=")[0]
        entry = METHODS.setdefault(key, Method(key, chain, shape, None, None))
        if make.__code__.co_argcount == 2:
            entry.author = make
        else:
            entry.plain = make
        return make
    return add


def make(name, sources):
    return Run(METHODS[name], sources)
