"""The long table of printed and reproduced numbers, and its figure."""

import numpy as np
import pandas as pd
import pytest

from holder import comparison, tables
from holder.figures import comparison as figure
from holder.figures import style


def sheet(attacks, dataset="cifar10", extractor="clip", sd=1.0, n=3):
    """A table's CSV as `tables.aggregate` makes it from seeds around ACC 90, ASR 5, RA 85."""
    rows = []
    for attack in attacks:
        for seed in range(n):
            shift = sd * (seed - (n - 1) / 2)
            rates = {"acc": 90 + shift, "asr": 5 + shift, "ra": 85 - shift}
            place = {"dataset": dataset, "extractor": extractor, "attack": attack, "poison_rate": 0.05, "seed": seed}
            for defense in ("fmp", "hp"):
                rows.append({**place, "defense": defense, "settings": "", "pruned": 9, "train_images": 50000, **rates})
    return tables.aggregate(pd.DataFrame(rows), 1)


def cells(attacks, reductions=()):
    rows = [(a, d) for a in attacks for d in ("fmp", "hp")]
    own = pd.DataFrame(rows, columns=["attack", "defense"])
    own = own.assign(dataset="cifar10", extractor="clip", poison_rate=0.05)
    return {"table1": own.assign(reductions=[tuple(reductions)] * len(own))}


def test_each_printed_number_stands_beside_ours_with_interval_and_doubt():
    attacks = ["badnets", "lc"]
    found, alone = comparison.build({1: sheet(attacks)}, cells(attacks))
    assert alone == 0
    by = found.set_index(["attack", "defense", "metric"])
    row = by.loc[("lc", "hp", "acc")]
    assert (row["published"], row["reproduced"], row["difference"]) == (93.8, 90, pytest.approx(-3.8))
    assert row["high"] - row["reproduced"] == pytest.approx(4.302653 / 3**0.5, abs=1e-4)
    assert (row["scale"], row["n"]) == ("paper", 3)
    assert by.loc[("badnets", "fmp", "asr"), "doubt"] == "ASR + RA is 103.2 %"
    assert by.loc[("average", "hp", "acc"), "published"] == pytest.approx((93.7 + 93.8) / 2)
    assert set(found["metric"]) == set(tables.METRICS)


def test_one_seed_has_no_interval_and_reductions_are_told():
    found, _ = comparison.build({1: sheet(["lc"], n=1)}, cells(["lc"], ["6,000 of 50,000 training images"]))
    assert found[["low", "high"]].isna().all(axis=None)
    assert set(found["scale"]) == {"reduced"}
    assert set(found["reduced_by"]) == {"6,000 of 50,000 training images"}


def test_cells_that_the_paper_does_not_print_are_left_out_and_counted():
    found, alone = comparison.build({1: sheet(["badnets", "lc"], dataset="cifar100")}, {})
    assert found.empty
    assert alone == 4
    assert comparison.summary(found, alone) == ["4 of our cells have no printed value"]


def test_a_lost_number_is_no_row():
    found, _ = comparison.build({1: sheet(["inputaware"])}, cells(["inputaware"]))
    hp = found[(found["defense"] == "hp") & (found["attack"] == "inputaware")]
    assert set(hp["metric"]) == {"acc", "asr"}, "the scan lost HP's RA"


def test_table_4_joins_by_seconds():
    totals = pd.DataFrame(
        [("cifar10", "CPU, x86_64", "hp", "prune", 5.0, None), ("cifar10", "CPU, x86_64", "hp", "total", 25.0, 30.0)],
        columns=["dataset", "device", "defense", "stage", "seconds_mean", "published_seconds"],
    )
    found, _ = comparison.build({}, {}, totals)
    (row,) = found.to_dict("records")
    assert (row["metric"], row["published"], row["reproduced"], row["scale"]) == ("seconds", 30, 25, "reduced")


def marks(axis):
    return [line for line in axis.get_lines() if line.get_linestyle() == "None"]


def test_the_figure_has_hollow_doubts_and_the_scale_in_its_title(tmp_path):
    attacks = ["badnets", "lc"]
    found, alone = comparison.build({1: sheet(attacks)}, cells(attacks, ["small"]))
    drawn = figure.draw(found, alone)
    points = {}
    for line in marks(drawn.axes[1]):
        points[line.get_markerfacecolor() == "none"] = len(line.get_xdata())
    assert points == {False: 3, True: 1}, "BadNets/FMP is doubtful; averages are not drawn"
    assert "reduced scale (most often small)\nCIFAR-10; CLIP" in drawn.get_suptitle()
    style.save(drawn, str(tmp_path / "a.pdf"), str(tmp_path / "a.png"))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_figure_without_a_common_cell_is_still_drawn(tmp_path):
    found, alone = comparison.build({1: sheet(["lc"], dataset="cifar100")}, {})
    drawn = figure.draw(found, alone)
    assert "no cell has a printed value; 2 of ours have none" in drawn.get_suptitle()
    style.save(drawn, str(tmp_path / "a.pdf"))


def test_the_summary_leaves_doubtful_cells_out():
    attacks = ["badnets", "lc"]
    found, alone = comparison.build({1: sheet(attacks)}, cells(attacks))
    lines = comparison.summary(found, alone)
    expected = np.mean([abs(90 - v) for v in (93.7, 93.8, 91.8)])  # without BadNets/FMP
    assert any(line.startswith(f"Table 1, acc: 3 cells, mean absolute difference {expected:.1f}") for line in lines)
