"""ACC, ASR and RA, each with the counts it is made of (paper, Section 2.3)."""

from holder.errors import HolderError


def metrics(correct: int, clean: int, hits: int, recovered: int, triggered: int) -> dict:
    """Rates in per cent and their counts.

    ACC = correct / clean, over all clean test images. ASR = hits / triggered and RA = recovered /
    triggered, over triggered test images whose true class is not the target: a hit is classified
    as the target, a recovered one as its true class, so no image is both and ASR + RA ≤ 100.
    """
    if not (0 <= correct <= clean and hits >= 0 and recovered >= 0 and hits + recovered <= triggered):
        raise HolderError(
            f"metrics: {correct} of {clean} clean, {hits} + {recovered} of {triggered} triggered images "
            "cannot be counts of one population each."
        )
    return {
        "acc": 100 * correct / clean,
        "asr": 100 * hits / triggered,
        "ra": 100 * recovered / triggered,
        "counts": {
            "clean": clean,
            "correct": correct,
            "triggered": triggered,
            "hits": hits,
            "recovered": recovered,
        },
    }
