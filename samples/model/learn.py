# SPDX-License-Identifier: MIT
"""What the training stages share: processes that train together, the optimiser, the losses."""
import datetime
import math
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from draw import COLOR_NAMES, KIND_DIGIT, SHAPE_NAMES, Labels
from letters import WRITTEN
from model import SampleModel
from precision import WORK
from prompts import Batch
from scenes import Clip
from telling import Told

WEIGHT_DECAY = 0.02
WARM_UP = 0.04  # of a stage
TOLD = 0.4  # weight of what rows should tell


class Team:
    """Processes of one thread each that average their gradients.

    OpenMP's threads wait for each other in a busy loop, which costs much where other programs run;
    two processes do not mind.
    """

    def __init__(self, rank: int, size: int, rendezvous: Path):
        self.rank = rank
        self.size = size
        self.began = time.monotonic()
        if size > 1:
            dist.init_process_group("gloo", init_method=f"file://{rendezvous.resolve()}", rank=rank,
                                    world_size=size, timeout=datetime.timedelta(minutes=30))

    def say(self, text: str) -> None:
        if self.rank == 0:
            print(f"[{time.monotonic() - self.began:6.0f} s] {text}", flush=True)

    def agree(self, value: float) -> float:
        """The first process's value, for all."""
        if self.size == 1:
            return value
        shared = torch.tensor([float(value)])
        dist.broadcast(shared, 0)
        return shared.item()

    def sum(self, flat: Tensor) -> Tensor:
        """The sum of what all processes have."""
        if self.size > 1:
            dist.all_reduce(flat)
        return flat

    def average(self, parameters: list[nn.Parameter]) -> None:
        """Averages gradients, in bfloat16 on the way."""
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients]).to(torch.bfloat16)
        flat = self.sum(flat).float() / self.size
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts):
            gradient.copy_(part.view_as(gradient))


def orthogonal(matrix: Tensor) -> Tensor:
    """Near the closest matrix whose singular values are all 1: five steps of Newton and Schulz."""
    x = matrix.to(WORK)
    x = x.T if len(x) > x.shape[1] else x
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (torch.addmm(square, square, square, beta=-4.775, alpha=2.0315) @ x)
    return x.to(matrix.dtype) if len(x) == len(matrix) else x.T.to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Jordan et al., 2024, with steps of AdamW's size, as in Liu et al., 2025. Steps are those of
    torch.optim.Muon, which always multiplies in bfloat16; processes share the work."""

    def __init__(self, groups: list[dict], team: Team):
        super().__init__(groups, {"momentum": 0.95})
        self.team = team

    @torch.no_grad()
    def step(self) -> None:
        steps = []
        for group in self.param_groups:
            for p in group["params"]:
                if p not in self.state:
                    self.state[p]["mean"] = torch.zeros_like(p)
                mean = self.state[p]["mean"]
                mean.lerp_(p.grad, 1 - group["momentum"])
                steps.append((group, p, p.grad.lerp(mean, group["momentum"])))
        steps.sort(key=lambda step: step[1].numel())
        flat = torch.cat([(orthogonal(way) if index % self.team.size == self.team.rank
                           else torch.zeros_like(way)).reshape(-1)
                          for index, (_, _, way) in enumerate(steps)])
        ways = self.team.sum(flat).split([p.numel() for _, p, _ in steps])
        for (group, p, _), way in zip(steps, ways):
            p.mul_(1 - group["lr"] * group["weight_decay"])
            p.add_(way.view_as(p), alpha=-group["lr"] * 0.2 * max(p.shape) ** 0.5)


def is_hidden(name: str, parameter: nn.Parameter) -> bool:
    """Whether it is a matrix between layers, and so for Muon."""
    return parameter.dim() == 2 and name.startswith(("blocks.", "first.", "second."))


class Optimiser:
    """Muon for the matrices between layers, AdamW for the rest, over parts with a learning rate each.
    Norms and biases do not decay."""

    def __init__(self, parts: list[tuple[list[nn.Module], float]], team: Team):
        self.team = team
        self.parameters: list[nn.Parameter] = []
        matrices, others = [], []
        for modules, rate in parts:
            mine = [item for module in modules for item in module.named_parameters()]
            self.parameters += [p for _, p in mine]
            hidden = [p for name, p in mine if is_hidden(name, p)]
            rest = [p for name, p in mine if not is_hidden(name, p)]
            for groups, decay, chosen in (
                    (matrices, WEIGHT_DECAY, hidden),
                    (others, WEIGHT_DECAY, [p for p in rest if p.dim() > 1]),
                    (others, 0.0, [p for p in rest if p.dim() <= 1])):
                groups.append({"params": chosen, "weight_decay": decay, "lr": rate, "base": rate})
        self.each = [Muon(matrices, team),
                     torch.optim.AdamW(others, betas=(0.9, 0.98), fused=True)]

    def step(self, scale: float) -> None:
        """One step at `scale` of each part's learning rate."""
        self.team.average(self.parameters)
        nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        for optimiser in self.each:
            for group in optimiser.param_groups:
                group["lr"] = group["base"] * scale
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state(self) -> list[dict]:
        return [optimiser.state_dict() for optimiser in self.each]

    def load(self, state: list[dict]) -> None:
        for optimiser, part in zip(self.each, state):
            optimiser.load_state_dict(part)


def schedule(done: float, floor: float) -> float:
    """Learning rate over a stage: up, then down along a cosine. done is by time, 0 to 1, so that a
    stage ends with small steps however busy the machine was."""
    cosine = 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
    return max(floor, min(1.0, done / WARM_UP) * cosine * 0.97 + 0.03)


# ---- losses ----


def summary_target(clips: list[Clip]) -> Tensor:
    """Which coloured shapes, digits and words a picture shows, as zeros and ones."""
    pairs = len(SHAPE_NAMES) * len(COLOR_NAMES)
    target = torch.zeros(len(clips), pairs + 10 + len(WRITTEN))
    for index, clip in enumerate(clips):
        for thing in clip.things:
            target[index, thing.shape * len(COLOR_NAMES) + thing.color] = 1
        if clip.digit:
            target[index, pairs + clip.digit.value] = 1
        for word in clip.words:
            target[index, pairs + 10 + word.word] = 1
    return target


def weighted_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy in which background counts less than things. logits [n, patches, classes]."""
    weight = torch.ones(logits.shape[-1], device=logits.device)
    weight[0] = 0.3
    return F.cross_entropy(logits.float().transpose(1, 2), target, weight=weight)


def place_loss(head: nn.Module, patches: Tensor, kind: Tensor) -> Tensor:
    """How well patches know their row and column. What shows a thing counts as much as all the rest:
    a mean over patches would have only the background know."""
    grid = round(patches.shape[1] ** 0.5)
    index = torch.arange(grid * grid, device=patches.device)
    target = torch.stack([index // grid, index % grid], -1).expand(len(patches), -1, -1)
    logits = head(patches).float().unflatten(-1, (2, -1)).permute(0, 3, 1, 2)
    losses = F.cross_entropy(logits, target, reduction="none").mean(-1)
    things = kind > 0
    return losses.mean() if not things.any() else losses[things].mean() + losses[~things].mean()


def middle_loss(head: nn.Module, patches: Tensor, labels: Labels) -> Tensor:
    """How well patches know how far the middle of their shape is: motion is often less than a patch
    a frame."""
    shapes = (labels.kind > 0) & (labels.kind < KIND_DIGIT)
    said = head(patches[shapes]).float()
    return F.mse_loss(said, labels.middle[shapes]) if len(said) else patches.new_zeros(())


def ground_loss(head: nn.Module, patches: Tensor, ground: Tensor) -> Tensor:
    """How well every patch knows the background [n, GROUND] that its frame stands on: scenes are
    told apart by it, with few rows too."""
    return F.mse_loss(head(patches).float(), ground[:, None].expand(-1, patches.shape[1], -1))


def vision_losses(model: SampleModel, rows: Tensor, attention: Tensor, labels: Labels,
                  clips: list[Clip]) -> tuple[Tensor, Tensor]:
    """How well patches know what they show, and how well the tower knows what the picture shows."""
    heads = model.heads
    patches = rows[:, :model.config.patches]
    dense = weighted_entropy(heads.kind(patches), labels.kind)
    dense = dense + weighted_entropy(heads.color(patches), labels.color)
    for head, target in ((heads.digit, labels.digit), (heads.word, labels.word)):
        written = target >= 0
        if head is not None and written.any():
            logits = head(patches[written]).float()
            dense = dense + 0.5 * F.cross_entropy(logits, target[written])
    dense = dense + place_loss(heads.place, patches, labels.kind)
    dense = dense + ground_loss(heads.ground, patches, labels.ground)
    dense = dense + middle_loss(heads.middle, patches, labels)
    logits = heads.summary(heads.whole(rows, attention)).float()
    target = summary_target(clips)[:, :logits.shape[1]].to(logits.device)
    return dense, 8 * F.binary_cross_entropy_with_logits(logits, target)


def answer_rows(model: SampleModel, batch: Batch) -> tuple[Tensor, Tensor, list[Tensor]]:
    """The logits of the rows that have a target, which rows these are, and all rows after the layers
    that telling.py asks."""
    x = model.text.embedding(batch.ids).to(WORK)
    if len(batch.visual):
        x = x.index_put(batch.visual_at, batch.visual.to(x.dtype))
    hidden, after = model.text(x, batch.positions, batch.mask)
    asked = batch.targets >= 0
    return model.text.output(hidden[asked]).float(), asked, after


def answer_loss(model: SampleModel, batch: Batch) -> tuple[Tensor, str]:
    """Weighted cross entropy of the answers and of what rows should tell, and what to say of it."""
    logits, asked, after = answer_rows(model, batch)
    targets, weights = batch.targets[asked], batch.weights[asked]
    losses = F.cross_entropy(logits, targets, reduction="none")
    right = (logits.argmax(-1) == targets).float().mean().item()
    loss = (losses * weights).sum() / weights.sum()
    note = f"answers {loss.item():.3f}, {100 * right:.0f} % of tokens right"
    if not batch.told:
        return loss, note
    rows = [x[batch.visual_at] for x in after[1:]]
    lost, more = model.heads.told.loss(after[0][batch.label_at], rows, Told.joined(batch.told))
    loss, note = loss + TOLD * lost, f"{note}, {more}"
    if not len(batch.names):
        return loss, note
    early, late = (x[batch.names_at] for x in (after[2], after[4]))  # layers 3 and 5
    lost, more = model.heads.told.names_loss(early, late, batch.names)
    return loss + TOLD * lost, f"{note}, {more}"
