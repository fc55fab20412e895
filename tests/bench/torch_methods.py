# SPDX-License-Identifier: MIT
"""The methods that torch_compare.py times.

Adding one: a function under @method with the winnow chain and the shape. One of two parameters, the
rows and a Sources, cuts out the authors' code and raises Missing where there is none; one of the
rows alone is a plain version. Each returns the closure to time."""
import math
import types

from torch_sources import CLIP, F, FEW, IMAGES, METHODS, VIDEO, make, method, torch  # noqa: F401

# ---- attention of the CLS token ----

def gather(x, index):
    return x.gather(1, index.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


@method("vtc_cls=keep=64", IMAGES)
def vtc_cls(r):
    def run():
        score = r.layers.mean(2).sum(0)
        return gather(r.x, score.topk(64, dim=1).indices.sort(1).values)
    return run


@method("fastervlm=keep=64", IMAGES)
def fastervlm(r):
    return lambda: gather(r.x, r.attn.mean(1).topk(64, dim=1).indices.sort(1).values)


@method("visionzip=keep=54:merge=10", IMAGES)
def visionzip(r):
    def run():
        b, n, _ = r.x.shape
        top = r.attn.sum(1).topk(54, dim=1).indices
        left = torch.ones(b, n, dtype=torch.bool).scatter_(1, top, False)
        rest = r.x[left].view(b, n - 54, -1)
        keys = F.normalize(r.keys[left].view(b, n - 54, -1), dim=-1)
        step = max(1, (n - 54) // 10)
        target = torch.arange(0, n - 54, step)[:10]
        others = torch.ones(n - 54, dtype=torch.bool)
        others[target] = False
        near = (keys[:, others] @ keys[:, target].transpose(1, 2)).argmax(2)
        hot = F.one_hot(near, 10).to(r.x.dtype)
        sums = hot.transpose(1, 2) @ rest[:, others]
        merged = rest[:, target] + sums / hot.sum(1).clamp(min=1).unsqueeze(-1)
        return torch.cat([gather(r.x, top), merged], 1)
    return run


@method("prumerge", IMAGES)
def prumerge(r, sources):
    path = "llava/model/multimodal_encoder/clip_encoder.py"
    f = sources.functions("42Shawn/LLaVA-PruMerge", path, "token_prune_merge_advanced",
                          "outlier_dectection", "complement_idx")
    whole = torch.cat([r.x[:, :1], r.x], 1)
    hook = types.SimpleNamespace(register_forward_hook=lambda fn: types.SimpleNamespace(
        remove=lambda: None))
    layer = types.SimpleNamespace(self_attn=types.SimpleNamespace(k_proj=hook, q_proj=hook))
    model = types.SimpleNamespace(encoder=types.SimpleNamespace(layers=[layer] * 24))

    class Tower:
        vision_model = model

        def __call__(self, images, output_hidden_states):
            return types.SimpleNamespace(hidden_states=[whole])

    me = types.SimpleNamespace(vision_tower=Tower(), select_layer=-1, device="cpu",
                               dtype=torch.float32, feature_select=lambda out: r.x)
    keys = torch.cat([r.keys[:, :1], r.keys], 1)
    space = f.token_prune_merge_advanced.__globals__
    space.update(outputs={"desired_k": keys, "desired_q": keys}, hook_k=None, hook_q=None)

    def run():  # a picture at a time, as it takes them
        for i in range(r.x.shape[0]):
            space["outputs"] = {"desired_k": keys[i:i + 1], "desired_q": keys[i:i + 1]}
            me.feature_select = lambda out, i=i: r.x[i:i + 1]
            f.token_prune_merge_advanced(me, r.x[i:i + 1])
    return run


def most_attended(r, keep):
    """Where pictures are not cut in tiles, methods of tiles choose by attention alone."""
    k = int(keep * r.x.shape[1])
    return lambda: gather(r.x, r.attn.mean(1).topk(k, dim=1).indices.sort(1).values)


@method("hired=keep=0.2", IMAGES)
def hired(r):
    return most_attended(r, 0.2)


@method("globalcom2=keep=0.25", IMAGES)
def globalcom2(r):
    return most_attended(r, 0.25)


@method("vispruner=keep=64", IMAGES)
def vispruner(r):
    def run():
        b, n, c = r.x.shape
        order = r.attn.mean(1).argsort(1, descending=True)
        top, left = order[:, :32], order[:, 32:].sort(1).values
        unit = F.normalize(r.x, dim=-1)
        while left.shape[1] > 32:
            go = min(8, left.shape[1] - 32)
            u = gather(unit, left)
            even, odd = u[:, ::2], u[:, 1::2]
            like = (even @ odd.transpose(1, 2)).max(2).values
            gone = like.topk(go, dim=1).indices * 2
            stay = torch.ones(b, left.shape[1], dtype=torch.bool).scatter_(1, gone, False)
            left = left[stay].view(b, -1)
        return gather(r.x, torch.cat([top, left], 1).sort(1).values)
    return run


@method("ficoco_v=at=token", IMAGES)
def ficoco_v(r):
    def run():  # cosines of keys stand for attention among the rows, as they do here
        b, n, _ = r.x.shape
        h, w = r.grid
        k = int(0.2 * n)
        unit = F.normalize(r.keys, dim=-1)
        like = unit @ unit.transpose(1, 2)
        score = 0.35 * F.normalize(r.attn.mean(1), dim=1) - 0.65 * F.normalize(like.sum(2), dim=1)
        window = score.view(b, h // 2, 2, w // 2, 2).permute(0, 1, 3, 2, 4).reshape(b, -1, 4)
        low = F.one_hot(window.argmin(2), 4).view(b, h // 2, w // 2, 2, 2)
        low = low.permute(0, 1, 3, 2, 4).reshape(b, n).bool()
        score = torch.where(low, torch.where(score > 0, 0.5 * score, 2 * score), score)
        order = score.argsort(1, descending=True)
        keep, gone = order[:, :k].sort(1).values, order[:, k:]
        seen = gather(like, gone).softmax(-1)
        value, to = seen.gather(2, keep[:, None].expand(-1, n - k, -1)).topk(2, dim=2)
        part = torch.zeros(b, n - k, k).scatter_(2, to, value / value.sum(2, keepdim=True))
        rows = gather(r.x, keep) + part.transpose(1, 2) @ gather(r.x, gone)
        return rows / (1 + part.sum(1)).unsqueeze(-1)
    return run


# ---- rows like others ----

@method("divprune=keep=0.1", IMAGES)
def divprune(r, sources):
    f = sources.functions("vbdi/divprune", "LLaVA/llava/model/llava_arch.py", "DivPrune",
                          "pairwise_cosine_similarity")
    me = types.SimpleNamespace()
    me.pairwise_cosine_similarity = types.MethodType(f.pairwise_cosine_similarity, me)

    def run():
        for x in r.x:
            s, _ = f.DivPrune(me, x, x.shape[0], None, threshold_ratio=0.1)
            x[s.sort().values]
    return run


@method("divprune=keep=0.1", IMAGES)
def divprune_plain(r):
    def run():
        for x in r.x:
            u = F.normalize(x, dim=1)
            far = 1 - u @ u.T
            near = far.topk(2, dim=0, largest=False).values[1]
            taken = []
            for i in range(round(0.1 * x.shape[0])):
                taken.append(int(near.argmax()))
                near = far[taken].min(0).values
            x[sorted(taken)]
    return run


@method("cdpruner=keep=64", IMAGES)
def cdpruner(r):
    def run():  # all pictures side by side, as the authors do
        b, n, _ = r.x.shape
        u = F.normalize(r.x, dim=2)
        kernel = u @ u.transpose(1, 2)
        c = torch.zeros(64, b, n)
        d = kernel.diagonal(dim1=1, dim2=2).clone()
        taken = torch.empty(64, b, dtype=torch.long)
        rows = torch.arange(b)
        for i in range(64):
            j = d.argmax(1)
            taken[i] = j
            e = (kernel[rows, j] - torch.einsum("tb,tbn->bn", c[:i, rows, j], c[:i])) \
                / d[rows, j].sqrt().unsqueeze(1)
            c[i] = e
            d = d - e.square()
            d[rows, j] = -math.inf
        return gather(r.x, taken.T.sort(1).values)
    return run


@method("dpc", IMAGES)
def dpc(r, sources):
    f = sources.functions("Visual-AI/PruneVid", "models/pllava/modeling_pllava.py",
                          "cluster_dpc_knn", "compute_cluster_vectors", "index_points")

    def run():
        n = r.x.shape[1] // 2
        cluster, _ = f.cluster_dpc_knn(r.x, cluster_num=n, k=7)
        f.compute_cluster_vectors(None, r.x, cluster, num_cluster=n)
    return run


@method("chatunivi", IMAGES)
def chatunivi(r, sources):
    f = sources.functions("PKU-YuanGroup/Chat-UniVi", "ChatUniVi/model/cluster.py",
                          "index_points", "cluster_dpc_knn", "merge_tokens", "CTM")
    stages = [f.CTM(64, 1, 1, k=5), f.CTM(32, 1, 1, k=3), f.CTM(16, 1, 1, k=3)]

    def run():
        for x in r.x:
            n = x.shape[0]
            token = {"x": x[None], "token_num": n, "idx_token": torch.arange(n)[None],
                     "agg_weight": x.new_ones(1, n, 1), "mask": None}
            for stage in stages:
                token, _ = stage(token)
    return run


@method("dcode=keep=288:threshold=0.8", IMAGES)
def dcode(r, sources):
    f = sources.functions("hukcc/D-CoDe", "Dcode.py", "_merge_similar_tokens",
                          "token_select_and_merge")
    return lambda: f.token_select_and_merge(r.x, 288, "mean", 0.8)


@method("tome=keep=0.5", IMAGES)
def tome(r, sources):
    f = sources.functions("facebookresearch/ToMe", "tome/merge.py", "do_nothing",
                          "bipartite_soft_matching", "merge_wavg")

    def run():
        merge, _ = f.bipartite_soft_matching(r.keys, r.x.shape[1] // 2)
        return f.merge_wavg(merge, r.x)
    return run


@method("tome=keep=0.5", IMAGES)
def tome_plain(r):
    def run():
        u = F.normalize(r.keys, dim=-1)
        near, to = (u[:, ::2] @ u[:, 1::2].transpose(1, 2)).max(2)
        to = to.unsqueeze(-1).expand(-1, -1, r.x.shape[-1])
        return r.x[:, 1::2].scatter_reduce(1, to, r.x[:, ::2], reduce="mean")
    return run


@method("pool=stride=2", IMAGES)
def pool(r):
    return lambda: F.avg_pool1d(r.x.transpose(1, 2), 2, 2).transpose(1, 2).contiguous()


@method("mustdrop_spatial=window=3", IMAGES)
def mustdrop_spatial(r):
    def run():
        b, n, c = r.x.shape
        h, w = r.grid
        win = r.x.view(b, h // 3, 3, w // 3, 3, c).permute(0, 1, 3, 2, 4, 5).reshape(b, -1, 9, c)
        like = F.cosine_similarity(win.unsqueeze(3), win.unsqueeze(2), dim=-1)
        mean = (like.sum((2, 3)) - like.diagonal(dim1=2, dim2=3).sum(2)) / 72
        one = mean >= 0.8
        return win.mean(2)[one], win[~one]
    return run


@method("diffrate=keep=0.5", IMAGES)
def diffrate(r, sources):
    f = sources.functions("OpenGVLab/DiffRate", "DiffRate/merge.py", "get_merge_func")

    def run():
        n = r.x.shape[1]
        order = r.attn.mean(1).argsort(1, descending=True)[:, :n - n // 4]
        merge, _ = f.get_merge_func(gather(r.x, order), kept_number=n // 2, class_token=False)
        return merge(gather(r.x, order))
    return run


@method("sparsevlm_merge=keep=0.1", FEW)
def sparsevlm_merge(r, sources):
    f = sources.functions("Gumpest/SparseVLMs", "llava/model/language_model/utils.py",
                          "index_points", "cluster_and_merge")

    def run():
        for x in r.x:
            f.cluster_and_merge(x[None], int(0.1 * x.shape[0]) + 1)
    return run


# ---- over time ----

@method("evs=q=0.75", VIDEO)
def evs(r, sources):
    f = sources.functions("vllm-project/vllm", "vllm/multimodal/evs.py",
                          "compute_retained_tokens_count", "compute_retention_mask")
    t, n, c = r.x.shape
    flat = r.x.view(t * n, c)
    return lambda: flat[f.compute_retention_mask(flat, (t, *r.grid), 1, 0.75)]


@method("evs=q=0.75", VIDEO)
def evs_plain(r):
    def run():
        t, n, c = r.x.shape
        new = 1 - F.cosine_similarity(r.x[1:], r.x[:-1], dim=-1)
        score = torch.cat([torch.full((1, n), 255.0), new]).flatten()
        order = score.argsort(descending=True, stable=True)[:t * n // 4]
        return r.x.view(t * n, c)[order.sort().values]
    return run


@method("dycoke=keep=0.3", VIDEO)
def dycoke(r, sources):
    f = sources.functions("KD-TAO/DyCoke", "llava/model/llava_arch.py", "dycole_ttm")
    flat = r.x.flatten(0, 1)
    return lambda: f.dycole_ttm(flat, r.x.shape[1], 0.7)


@method("longvu", VIDEO)
def longvu(r):
    def run():
        kept = []
        for part in r.x.split(8):
            like = F.cosine_similarity(part, part[:1], dim=-1)
            like[0] = -1
            kept.append(part[like < 0.7])
        return torch.cat(kept)
    return run


@method("malmm=length=10", VIDEO)
def malmm(r, sources):
    f = sources.functions("boheumd/MA-LMM", "lavis/models/blip2_models/blip2.py",
                          "memory_bank_compress")

    def run():  # a frame at a time, as they come
        bank = r.x[:1][None].clone()
        size = torch.ones(1, 1, r.x.shape[1])
        for frame in r.x[1:]:
            bank = torch.cat([bank, frame[None, None]], 1)
            size = torch.cat([size, torch.ones(1, 1, r.x.shape[1])], 1)
            if bank.shape[1] > 10:
                bank, size = f.memory_bank_compress(bank, size)
    return run


@method("prunevid", VIDEO)
def prunevid(r, sources):
    path = "models/pllava/modeling_pllava.py"
    f = sources.functions("Visual-AI/PruneVid", path, "cluster_dpc_knn", "index_points",
                          "refine_clusters", "segment_lengths", "compute_cluster_vectors",
                          "spatial_merge_tokens", "merge_frames_dynamic")
    t, n, c = r.x.shape
    me = types.SimpleNamespace(config=types.SimpleNamespace(
        num_frames=t, pooling_shape=(t, *r.grid), temporal_segment_ratio=0.25, cluster_ratio=0.5))
    me.compute_cluster_vectors = types.MethodType(f.compute_cluster_vectors, me)
    me.spatial_merge_tokens = types.MethodType(f.spatial_merge_tokens, me)
    flat = r.x.view(1, t * n, c)
    return lambda: f.merge_frames_dynamic(me, flat, threshold=0.8, k=7)


@method("llava_scissor", FEW)
def llava_scissor(r, sources):
    f = sources.functions("HumanMLLM/LLaVA-Scissor", "llava/model/llava_arch_zip.py", "UnionFind",
                          "approximate_components")

    def fuse(rows, like):
        parts = f.approximate_components((like > 0.95).numpy(), epsilon=0.05)
        return torch.stack([rows[part].mean(0) for part in parts])

    def run():
        unit = r.x / r.x.norm(dim=-1, keepdim=True)
        like = unit @ unit.transpose(1, 2)
        rows = torch.cat([fuse(x, s) for x, s in zip(r.x, like)])
        unit = rows / rows.norm(dim=1, keepdim=True)
        fuse(rows, unit @ unit.T)
    return run


@method("sttm", CLIP)
def sttm(r, sources):
    repo, folder = "HYUNJS/STTM", "token_merging_utils/quadtree_"
    near = {}
    for name in ("spatial_merger", "temporal_merger"):
        near.update(vars(sources.functions(repo, f"{folder}{name}.py")))
    f = sources.functions(repo, folder + "builder.py", "quadtree_build_iteration_video",
                          "quadtree_build_video", near=near)
    x = r.x.view(r.x.shape[0], *r.grid, -1).permute(0, 3, 1, 2)
    return lambda: f.quadtree_build_video(x, 0.85, temporal_thresh=0.65, root_level=1)


@method("tempme=across=0.3:within=0.1", IMAGES)
def tempme(r):
    def join(x, share):
        k = int(share * x.shape[1])
        u = F.normalize(x, dim=-1)
        best, to = (u[:, ::2] @ u[:, 1::2].transpose(1, 2)).max(2)
        order = best.argsort(1, descending=True)
        go = gather(x[:, ::2], order[:, :k])
        to = to.gather(1, order[:, :k]).unsqueeze(-1).expand(-1, -1, x.shape[-1])
        merged = x[:, 1::2].scatter_reduce(1, to, go, reduce="mean")
        return torch.cat([gather(x[:, ::2], order[:, k:]), merged], 1)

    def run():
        t, n, c = r.x.shape
        return join(join(r.x.view(t // 2, 2 * n, c), 0.3), 0.1)
    return run


@method("videogpt_plus", IMAGES)
def videogpt_plus(r):
    def run():
        grid = r.x.view(r.x.shape[0], *r.grid, -1).permute(0, 3, 1, 2)
        return [F.adaptive_avg_pool2d(grid, side) for side in (12, 8)]
    return run


@method("fastvid", IMAGES)
def fastvid(r):
    t, n, c = r.x.shape
    frame = torch.randn(t, 768, generator=torch.Generator().manual_seed(2))
    context = int(int(0.1 * n) * 0.4)
    salient = int(0.1 * n) - context

    def peaks(rows):
        gap = torch.cdist(rows, rows) / c ** 0.5
        rho = (-gap.topk(4, largest=False).values.square().mean(-1)).exp()
        far = gap.flatten(1).max(1).values[:, None, None]
        return rho * torch.where(rho[:, None] > rho[:, :, None], gap, far).min(-1).values

    def run():
        near = F.cosine_similarity(frame[:-1], frame[1:], dim=-1)
        cuts = set(near.topk(min(7, t - 1), largest=False).indices.tolist())
        cuts |= set((near < 0.9).nonzero().flatten().tolist())
        top = r.attn.mean(1).topk(salient, dim=1).indices
        left = torch.ones(t, n, dtype=torch.bool).scatter_(1, top, False)
        rest = r.x[left].view(t, n - salient, c)
        score, unit = peaks(rest), F.normalize(rest, dim=-1)
        out, first = list(gather(r.x, top.sort(1).values)), 0
        for end in sorted(cuts | {t - 1}):
            rows, units = rest[first:end + 1].flatten(0, 1), unit[first:end + 1].flatten(0, 1)
            anchors = range(end, first - 1, -4)
            for a in anchors:
                best = score[a].topk(context * (end + 1 - first) // len(anchors)).indices
                to = (units @ unit[a][best].T).argmax(1)
                mean = torch.zeros(len(best), c).index_add_(0, to, rows)
                mean /= to.bincount(minlength=len(best)).clamp(min=1).unsqueeze(1)
                out.append(0.6 * rest[a][best] + 0.4 * mean)
            first = end + 1
        return torch.cat(out)
    return run


@method("holitom", CLIP)
def holitom(r, sources):
    f = sources.functions(
        "cokeshao/HoliTom", "holitom/llava_arch.py", "cluster_dpc_knn", "select_static_windows",
        "merge_tokens_by_clustering", "merge_tokens_by_attention_density",
        "merge_tokens_by_density", "holitom", "get_static_dynamic_features")
    me = types.SimpleNamespace(model=None)
    for name, function in vars(f).items():
        setattr(me, name, types.MethodType(function, me))
    attn = r.attn.mean(1)

    def run():
        t, n, _ = r.x.shape
        unit = F.normalize(r.x, dim=-1)
        like = F.cosine_similarity(unit[:-1], unit[1:], dim=-1)
        windows, gone = me.select_static_windows(like, t, 0.8, 1024)
        keep = min(0.1 * t * n / (t * n - gone), 1)
        still, moving, _, weight, at, where = me.get_static_dynamic_features(
            r.x, attn, windows, like, 0.8)
        return torch.cat([
            me.holitom(still[i], moving[i], weight[i], at[i], where[i], end - start + 1, keep, 0,
                       0.6, 7, torch.float32, "no_token")
            for i, (start, end) in enumerate(windows)])
    return run
