"""Tables from made-up metrics files whose right answer is known."""

import numpy as np
import pandas as pd
import pytest

from holder import store, tables
from holder.errors import HolderError
from holder.metrics import metrics

MADE_BY = {
    "settings": {"u": 1},
    "attack_settings": {"a": 1},
    "dataset_settings": {"train": 50},
    "extractor_settings": {"size": 224},
    "classifier_settings": {"epochs": 100},
    "surrogate": {"settings": {"width": 64}},
    "target_label": 0,
    "sha256": {"weights": {"sha256": "00"}},
}


def write(folder, attack, defense, seed, correct, pruned, **more):
    place = folder / attack / defense / str(seed)
    cell = {"dataset": "cifar10", "extractor": "clip", "attack": attack, "poison_rate": 0.05, "seed": seed}
    result = metrics(correct, 200, 30, 60, 120) if pruned is not None else {"counts": {"clean": 200, "triggered": 120}}
    store.save_json(
        place / "metrics.json",
        {**cell, "defense": defense, "pruned": pruned, **MADE_BY, "train_images": 50, **result, **more},
    )
    curve = {k: np.arange(6) * f for k, f in (("correct", 20), ("hits", 5), ("recovered", 7))}
    store.save(place / "curve.safetensors", curve)
    return str(place / "metrics.json")


@pytest.fixture
def paths(tmp_path):
    out = []
    for seed, correct in ((0, 150), (1, 170)):
        for attack in ("bpp", "badnets"):
            out.append(write(tmp_path, attack, "hp", seed, correct, 3 + seed))
            out.append(write(tmp_path, attack, "none", seed, 180, 0))
            out.append(write(tmp_path, attack, "random", seed, 0, None))
    return out


def test_means_deviations_and_printed_values(paths):
    table = tables.aggregate(tables.rows(paths), 1)
    assert list(table["attack"].unique()) == ["badnets", "bpp", "average"]
    hp = table[(table["attack"] == "badnets") & (table["defense"] == "hp")].iloc[0]
    assert (hp["acc_mean"], hp["n"], hp["pruned"]) == (80, 2, 3.5)
    assert hp["acc_sd"] == pytest.approx(np.std([75, 85], ddof=1))
    assert (hp["published_acc"], hp["published_asr"], hp["published_ra"]) == (93.7, 0.0, 93.3)
    average = table[(table["attack"] == "average") & (table["defense"] == "hp")].iloc[0]
    assert average["acc_mean"] == 80
    assert average["published_acc"] == pytest.approx((93.7 + 92.9) / 2), "over the attacks shown, not the paper's nine"


def test_a_control_is_read_at_hps_count_of_the_same_seed(paths):
    rows = tables.rows(paths)
    control = rows[(rows["defense"] == "random") & (rows["attack"] == "bpp")].set_index("seed")
    assert control.loc[0, "acc"] == 100 * 60 / 200
    assert control.loc[1, "asr"] == 100 * 20 / 120
    assert control.loc[1, "pruned"] == 4


def test_one_seed_has_no_deviation(paths):
    table = tables.aggregate(tables.rows([p for p in paths if p.endswith("0/metrics.json")]), 1)
    assert table["acc_sd"].isna().all()
    assert (table["n"] == 1).all()


def test_layouts_show_ours_and_the_printed_value(paths):
    table = tables.aggregate(tables.rows(paths), 1)
    text = tables.markdown(table, "Table 1")
    assert "80.0±7.1 / 25.0±0.0 / 50.0±0.0<br>(93.7 / 0.0 / 93.3)" in text
    assert "2 seeds" in text
    latex = tables.latex(table, "Table 1")
    assert r"80.0$\pm$7.1 & 25.0$\pm$0.0" in latex
    assert "(93.7) & (0.0) & (93.3)" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 1


def test_a_metrics_file_that_is_none_is_named(tmp_path):
    (tmp_path / "metrics.json").write_text('{"dataset": ')
    with pytest.raises(HolderError, match="metrics.json: is not a metrics file"):
        tables.rows([str(tmp_path / "metrics.json")])


def test_a_file_made_with_other_settings_is_refused(paths):
    made_of = {
        "settings": {name: {"u": 1} for name in ("hp", "none", "random")},
        "attack_settings": {"bpp": {"a": 1}, "badnets": {"a": 1}},
        "dataset_settings": {"cifar10": {"train": 50}},
        "extractor_settings": {"clip": {"size": 224}},
        "classifier_settings": {"epochs": 100},
        "surrogate": {"width": 64},
        "target_label": 0,
    }
    assert len(tables.rows(paths, made_of)) == len(paths)
    for key, other in (
        ("settings", {"hp": {"u": 2}, "none": {"u": 1}, "random": {"u": 1}}),
        ("attack_settings", {"bpp": {"a": 2}, "badnets": {"a": 1}}),
        ("dataset_settings", {"cifar10": {"train": 40}}),
        ("extractor_settings", {"clip": {"size": 128}}),
        ("classifier_settings", {"epochs": 10}),
        ("surrogate", {"width": 16}),
        ("target_label", 1),
    ):
        with pytest.raises(HolderError, match=rf"metrics.json: was made with {key} .*, the config says"):
            tables.rows(paths, {**made_of, key: other})


def test_an_extractor_that_was_trained_otherwise_is_refused(tmp_path):
    made_of = {
        "settings": {"hp": {"u": 1}},
        "attack_settings": {"bpp": {"a": 1}},
        "dataset_settings": {"cifar10": {"train": 50}},
        "extractor_settings": {"simclr": {"size": 224, "trained": {"epochs": 100}}},
        "classifier_settings": {"epochs": 100},
        "surrogate": {"width": 64},
        "target_label": 0,
    }
    trained = {"extractor": "simclr", "sha256": {"weights": {"settings": {"epochs": 100}}}}
    path = write(tmp_path, "bpp", "hp", 0, 150, 3, **trained)
    assert len(tables.rows([path], made_of)) == 1
    trained["sha256"]["weights"]["settings"] = {"epochs": 8}
    path = write(tmp_path, "bpp", "hp", 0, 150, 3, **trained)
    with pytest.raises(
        HolderError, match="made with extractor_settings .*'epochs': 8.*, the config says .*'epochs': 100"
    ):
        tables.rows([path], made_of)


def extractor_rows(tmp_path):
    paths = []
    for extractor in ("clip", "simclr", "mobilenetv3"):
        for defense, pruned in (("none", 0), ("hp", 3)):
            paths.append(write(tmp_path / extractor, "bpp", defense, 0, 150, pruned, extractor=extractor))
    return tables.rows(paths)


def test_where_the_paper_compares_extractors_a_printed_value_stands_beside_its_own(tmp_path):
    table = tables.aggregate(extractor_rows(tmp_path), 3)
    hp = table[(table["defense"] == "hp") & (table["attack"] == "bpp")].set_index("extractor")
    assert list(hp.index) == ["simclr", "clip", "mobilenetv3"], "the paper's order, then others"
    printed = pd.read_csv(tables.PUBLISHED).query("table == 3 and attack == 'bpp' and metric == 'acc'")
    for name in ("clip", "simclr"):
        assert hp.loc[name, "published_acc"] == printed.set_index("extractor").loc[name, "value"]
    assert np.isnan(hp.loc["mobilenetv3", "published_acc"])
    assert table.query("defense == 'none'")["published_acc"].isna().all(), "Table 3 prints no undefended column"


def test_doubtful_printed_values_are_marked_and_the_reason_named(tmp_path):
    table = tables.aggregate(extractor_rows(tmp_path), 3)
    doubt = table.query("defense == 'hp' and attack == 'bpp'").set_index("extractor")["doubt"]
    assert "average of HID's rows (C2)" in doubt["simclr"]
    assert doubt["clip"] == ""
    text = tables.markdown(table, "Table 3")
    assert ")†" in text
    assert "- BppAttack, SimCLR: HP: the column repeats HID" in text
    assert text.count("†") == 2


def test_printed_rates_that_add_up_to_more_than_all_images_are_doubtful():
    printed = tables.published(1).set_index(["dataset", "attack", "defense"])
    assert printed.loc[("cifar10", "badnets", "anp"), "doubt"] == "ASR + RA is 109.9 %"
    assert printed.loc[("cifar10", "badnets", "hp"), "doubt"] == ""


@pytest.mark.parametrize("key", ["table", *tables.CELL, "defense"])
def test_every_doubt_names_a_cell_that_is_printed(key):
    doubts = pd.read_csv(tables.DOUBTS, dtype=str, keep_default_na=False)
    printed = pd.read_csv(tables.PUBLISHED, dtype=str, keep_default_na=False)
    printed["extractor"] = printed["extractor"].replace("preres", "resnet18")
    assert set(doubts[key]) - {""} <= set(printed[key])


def test_a_printed_value_for_another_poison_rate_is_not_shown(tmp_path):
    table = tables.aggregate(tables.rows([write(tmp_path, "bpp", "hp", 0, 150, 3, poison_rate=0.01)]), 1)
    assert table["published_acc"].isna().all()
    assert "(" not in tables.markdown(table, "Table 1").splitlines()[-1]


def test_every_printed_rate_is_a_percentage():
    printed = pd.read_csv(tables.PUBLISHED)
    rates = printed[printed["metric"].isin(tables.METRICS)]["value"].dropna()
    assert len(rates) > 1000
    assert rates.between(0, 100).all()
