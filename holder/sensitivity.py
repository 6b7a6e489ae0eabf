"""HP over its settings on one classifier, beside the orders it should beat: the weights' L1 norm and chance."""

from itertools import product

import torch
from scipy.stats import spearmanr

from holder.defenses.hp import density_threshold, holder_constants
from holder.evaluation import Split
from holder.head import Head
from holder.metrics import metrics
from holder.pruning import curve, order_of


def sheet(
    head: Head,
    train: Split,
    test: Split,
    triggered: Split,
    target_label: int,
    generator: torch.Generator,
    *,
    epsilons: list[float],
    alphas: list[float],
    norms: list[str],
    statistics: list[str],
    counts: list[int],
) -> list[dict]:
    """One row per setting and number of pruned neurons: acc, asr, ra (%), rank correlation with ‖w‖₁.

    `select` is "count" at the given counts and "density" at HP's own choice (A.8); the controls (order "l1norm"
    and "random") have the given counts only. Settings that rank alike share a curve, not a row.
    """
    l1 = head.w1.abs().sum(1)
    target = torch.full_like(triggered.y, target_label)
    known: dict[bytes, tuple] = {}

    def rows(scores: torch.Tensor, at: list[tuple[int, str]], facts: dict) -> list[dict]:
        order = order_of(scores)
        key = order.cpu().numpy().tobytes()
        if key not in known:
            (correct,), (hits, recovered) = (
                curve(head, order, test.z, test.y),
                curve(head, order, triggered.z, target, triggered.y),
            )
            known[key] = correct, hits, recovered
        correct, hits, recovered = known[key]
        found = []
        for pruned, select in at:
            part = {"correct": correct, "hits": hits, "recovered": recovered}
            rates = metrics(**{k: int(v[pruned]) for k, v in part.items()}, clean=len(test.y), triggered=len(target))
            found.append({**facts, "select": select, "pruned": pruned, **{m: rates[m] for m in ("acc", "asr", "ra")}})
        return found

    given = [(count, "count") for count in counts if count <= len(l1)]
    out = []
    for order, scores in (("l1norm", l1), ("random", torch.rand(len(l1), generator=generator).to(l1.device))):
        rho = float(spearmanr(scores.cpu(), l1.cpu()).statistic)
        out += rows(scores, given, {"order": order, "spearman_l1": rho})
    for epsilon, alpha, norm, statistic in product(epsilons, alphas, norms, statistics):
        scores = holder_constants(
            head.w1, head.b1, train.z, epsilon=epsilon, alpha=alpha, norm=norm, statistic=statistic
        )
        own = int((scores > density_threshold(scores)).sum())
        setting = {"epsilon": epsilon, "alpha": alpha, "norm": norm, "statistic": statistic}
        rho = float(spearmanr(scores.cpu(), l1.cpu()).statistic)
        out += rows(scores, [*given, (own, "density")], {"order": "hp", **setting, "spearman_l1": rho})
    return out
