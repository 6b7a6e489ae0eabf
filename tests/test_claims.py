"""Claims on made-up cells whose answer is known, and on the printed numbers."""

import numpy as np
import pandas as pd
import pytest
import yaml

from holder import claims, evidence, printed, scale, store, verdicts
from holder.config import check
from holder.errors import HolderError

PRINTED = printed.read()
FULL = {
    "dataset": "cifar10",
    "extractor": "clip",
    "poison_rate": 0.05,
    "pruned": 0,
    "train_images": 50000,
    "dataset_settings": {"train": None, "test": None},
    "attack_settings": {},
    "settings": {},
    "classifier_settings": {"hidden": 1024, "epochs": 100},
    "surrogate": None,
    "sha256": {"weights": {"sha256": "00"}},
}


def claim(**rule):
    return {"id": "x", "statement": "s", "place": "p", "source": "table1", "rule": rule}


def cells(rows, source="table1"):
    """Rows (attack, defense, seed, acc, asr, ra) of CIFAR-10 as cells at the paper's size."""
    columns = ["attack", "defense", "seed", "acc", "asr", "ra"]
    own = pd.DataFrame(rows, columns=columns).assign(dataset="cifar10", extractor="clip", poison_rate=0.05)
    return own.assign(source=source, extractor_kind="clean", pruned=0, reductions=[()] * len(own))


def judge(wanted, own, theirs=None):
    return verdicts.judge([wanted], {"table1": own}, theirs or {}, PRINTED)


EVERY_ROW = [a for a in claims.tables.ATTACKS if a != "average"]


@pytest.mark.parametrize(
    ("rule", "value", "verdict"),
    [
        ({"kind": "mean", "metric": "asr", "below": 3}, 4.0, "fails"),
        ({"kind": "mean", "metric": "asr", "each": "attack", "at_most": 7}, 7.0, "holds"),
        ({"kind": "mean", "metric": "acc", "each": "attack", "above": 88}, 88.0, "fails"),
        (
            {"kind": "gap", "metric": "acc", "of": {"defense": "none"}, "minus": {"defense": "hp"}, "at_most": 2},
            3.0,
            "fails",
        ),
        ({"kind": "best_of", "metric": "asr", "defense": "hp", "best": "lowest", "at_least": 100}, 50.0, "fails"),
        (
            {"kind": "best_of", "metric": "asr", "defense": "hp", "best": "lowest", "rank": 2, "at_least": 100},
            100,
            "holds",
        ),
        ({"kind": "best_of", "metric": "acc", "defense": "hp", "best": "highest", "at_least": 100}, 100.0, "holds"),
        ({"kind": "spread", "metric": "asr", "over": "pruned", "at_most": 5}, None, "not tested"),
        ({"kind": "ratio", "metric": "asr", "of": ["none", "clp"], "to": "hp", "at_least": 2}, 1.0, "fails"),
        (
            {"kind": "ratio", "metric": "asr", "of": ["none", "clp"], "to": "hp", "which": "best", "at_least": 20},
            22.5,
            "holds",
        ),
        ({"kind": "rank_correlation", "x": "acc", "y": "asr", "at_least": 0.6}, 0.5, "fails"),
    ],
)
def test_every_kind_of_rule_gives_the_number_worked_out_by_hand(rule, value, verdict):
    own = cells(
        [
            ("badnets", "none", 0, 93, 100, 0),
            ("badnets", "clp", 0, 80, 6, 70),
            ("badnets", "hp", 0, 88, 1, 90),
            ("bpp", "none", 0, 93, 80, 10),
            ("bpp", "clp", 0, 92, 2, 80),
            ("bpp", "hp", 0, 92, 7, 70),
        ]
    )
    wanted = claim(**rule)
    if rule["kind"] == "mean":
        wanted["where"] = {"defense": "hp"}
    (found,) = judge(wanted, own).to_dict("records")
    assert found["verdict"].startswith(verdict)
    if value is not None:
        assert found["value"] == pytest.approx(value)


def test_the_spread_is_over_the_attacks_that_all_values_share():
    rows = [("badnets", "hid", 0, 90, 1, 90), ("sig", "hid", 0, 90, 50, 90), ("badnets", "hid", 0, 90, 4, 90)]
    own = cells(rows).assign(poison_rate=[0.05, 0.05, 0.01])
    (found,) = judge(claim(kind="spread", metric="asr", over="poison_rate", at_most=3), own).to_dict("records")
    assert found["value"] == pytest.approx(3)
    assert found["verdict"].startswith("holds")


def test_seeds_give_an_interval_and_one_seed_none():
    own = cells([(a, "hp", s, 93, 2 + s, 90) for a in EVERY_ROW for s in (0, 1, 2)])
    wanted = {**claim(kind="mean", metric="asr", below=3.5), "where": {"defense": "hp"}}
    (found,) = judge(wanted, own).to_dict("records")
    assert (found["value"], found["seeds"], found["scale"], found["verdict"]) == (3.0, 3, "paper", "holds")
    assert found["high"] - found["value"] == pytest.approx(4.302653 * 1 / 3**0.5, abs=1e-4)  # t(.975, 2) · sd / √n
    text = verdicts.markdown(pd.DataFrame([found]))
    assert "3.00 [0.52, 5.48], 9 rows, 3 seeds, the interval contains the limit" in text
    (one,) = judge(wanted, own[own["seed"] == 0]).to_dict("records")
    assert "1 seed: no interval" in verdicts.markdown(pd.DataFrame([one]))


def test_reduced_results_are_never_told_as_the_papers_scale():
    own = cells([(a, "hp", 0, 93, 2, 90) for a in EVERY_ROW])
    wanted = {**claim(kind="mean", metric="asr", below=3), "where": {"defense": "hp"}}
    assert judge(wanted, own)["verdict"].item() == "holds"
    one_small = own.assign(reductions=[("6,000 of 50,000 training images of CIFAR-10",), *[()] * 8])
    (found,) = judge(wanted, one_small).to_dict("records")
    assert (found["verdict"], found["scale"]) == ("holds (reduced scale)", "reduced")
    (found,) = judge(wanted, own[own["attack"] != "lc"]).to_dict("records")
    assert found["verdict"] == "holds (reduced scale)"
    assert found["reduced_by"] == "1 of the 9 rows of Table 1 are missing (LC, 5 %)"
    (found,) = judge(wanted, own.assign(extractor="vit")).to_dict("records")
    assert found["reduced_by"] == "ViT features (Table 1: CLIP)", "one of the six, but not Table 1's"
    (found,) = judge(wanted, own.assign(dataset="cifar100")).to_dict("records")
    assert "CIFAR-100 is not in the paper's Table 1" in found["reduced_by"]


def test_a_claim_says_where_the_attack_had_not_taken():
    own = cells([("badnets", d, 0, 93, asr, 1) for d, asr in (("none", 7.2), ("hp", 0))])
    own = pd.concat([own, cells([("sig", d, 0, 93, asr, 1) for d, asr in (("none", 98), ("hp", 5))])])
    wanted = {**claim(kind="mean", metric="asr", below=3), "where": {"defense": "hp"}}
    found = verdicts.judge([wanted], {"table1": own, "sensitivity": own.drop(columns="defense")}, {}, PRINTED)
    assert (found["rows"].item(), found["not_taken"].item()) == (2, "BadNets (7.2)")
    assert "2 rows, 1 seed: no interval; hardly took: BadNets (7.2)" in verdicts.markdown(found)


def test_what_is_missing_is_named():
    own = cells([("badnets", "hp", 0, 93, 2, 90), ("badnets", "fp", 0, 93, 2, 90)])
    wanted = {**claim(kind="best_of", metric="asr", defense="hp", best="lowest", at_least=100)}
    wanted["where"] = {"defense": ["fp", "clp", "hp"]}
    (found,) = judge(wanted, own).to_dict("records")
    assert (found["verdict"], found["missing"]) == ("not tested", "no cell of CLP")
    found = verdicts.judge([wanted], {}, verdicts.printed_cells(PRINTED, printed.runtimes()), PRINTED)
    assert list(found["dataset"]) == ["cifar10", "gtsrb"]
    assert list(found["missing"]) == ["nothing was run on CIFAR-10", "nothing was run on GTSRB"]


def test_the_shipped_claims_on_the_printed_numbers():
    wanted = claims.load()
    assert len({c["id"] for c in wanted}) >= 15
    found = verdicts.judge(wanted, {}, verdicts.printed_cells(PRINTED, printed.runtimes()), PRINTED)
    said = found.set_index(["id", "dataset"])
    assert (found["verdict"] == "not tested").all()
    for id, dataset, value, verdict in [
        ("hp-asr-average", "cifar10", 2.66, "holds"),
        ("hp-asr-average", "gtsrb", 2.47, "holds"),
        ("hp-asr-every-attack", "cifar10", 6.7, "fails"),
        ("hp-acc-drop", "gtsrb", 3.78, "fails"),
        ("hp-best-asr", "cifar10", 100 * 8 / 9, "fails"),
        ("hp-best-acc", "gtsrb", 100 * 3 / 8, "fails"),
        ("hid-asr-repair", "cifar10", 100 * 3 / 9, "fails"),
        ("hid-ra-repair", "gtsrb", 100 * 8 / 9, "holds"),
        ("hid-faster-than-all", "cifar10", 4680 / 5400, "fails"),
        ("hp-speed", "cifar10", 49600 / 30, "holds"),
        ("abl-asr-low-rate", "cifar100", 0, "holds"),
    ]:
        row = said.loc[(id, dataset)]
        assert (row["printed_value"], row["printed_verdict"]) == (pytest.approx(value, abs=0.006), verdict), id
    assert said.loc[("hp-ra", "gtsrb"), "printed_verdict"] == "cannot be told (no RA)"
    assert said.loc[("hid-faster-than-all", "gtsrb"), "printed_verdict"].startswith("cannot be told"), "ABL is lost"
    assert said.loc[("epsilon-asr", ""), "printed_verdict"] == "no numbers printed"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"rule": {"kind": "median", "metric": "asr", "below": 3}},
            "x.rule.kind: found 'median', allowed is one of mean",
        ),
        ({"rule": {"kind": "mean", "metric": "asr"}}, "x.rule: found 0 limits, allowed is one number"),
        ({"rule": {"kind": "mean", "metric": "asr", "below": 3, "above": 1}}, "found 2 limits"),
        ({"rule": {"kind": "mean", "metric": "ars", "below": 3}}, "x.rule.metric: found 'ars'"),
        ({"rule": {"kind": "mean", "below": 3}}, "x.rule: key 'metric' is missing"),
        (
            {"rule": {"kind": "mean", "metric": "asr", "by": "attack", "below": 3}},
            "x.rule: unknown key 'by'; allowed are",
        ),
        ({"where": {"defence": "hp"}}, "found 'defence'"),
        ({"where": {"defense": "pruning"}}, "x: defense: found 'pruning'"),
        ({"where": {"attack": "badnet"}}, "x: attack: found 'badnet'"),
        (
            {"rule": {"kind": "best_of", "metric": "asr", "defense": "hp", "best": "low", "below": 3}},
            "rule.best: found 'low'",
        ),
        ({"source": "table9"}, "x.source: found 'table9'"),
        ({"place": None, "palce": "p"}, "unknown key 'palce'"),
    ],
)
def test_a_wrong_claim_is_refused_with_one_sentence(tmp_path, change, sentence):
    wrong = {**claim(kind="mean", metric="asr", below=3), **change}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump([wrong]))
    with pytest.raises(HolderError, match=sentence) as error:
        claims.load(tmp_path / "claims.yaml")
    assert str(error.value).count("\n") == 0


def test_a_cell_at_the_papers_size_has_no_reductions():
    hp = {**FULL, "attack": "badnets", "defense": "hp"}
    assert scale.reductions(hp) == []
    assert scale.reductions({**hp, "defense": "anp", "settings": {"iterations": 2000, "batch": 9}}) == []
    assert scale.reductions({k: v for k, v in hp.items() if k != "train_images"}) == [], "predictions name no number"
    whole = {**FULL, "extractor": "preactresnet18", "attack": "badnets", "defense": "hid", "width": 64}
    whole["settings"] = {"pruned": [512, 384, 256, 128], "hidden": 1024, "classifier_epochs": 60, "epochs": 20}
    assert scale.reductions({**whole, "simclr_settings": {"width": 64, "epochs": 100}}) == []
    assert scale.reductions({**whole, "network_settings": {"width": 64, "epochs": None}}) == []
    assert scale.reductions({**whole, "network_settings": {"width": 64, "epochs": 100}}) == []


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"train_images": 6000}, "6,000 of 50,000 training images of CIFAR-10"),
        ({"dataset_settings": {"train": None, "test": 2000}}, "2,000 of 10,000 test images"),
        ({"counts": {"clean": 2000, "triggered": 1800}}, "2,000 of 10,000 test images"),
        ({"extractor": "mobilenetv3"}, "MobileNetV3-Small features"),
        ({"classifier_settings": {"hidden": 1024, "epochs": 10}}, "classifier: epochs 10 (paper 100)"),
        ({"network_settings": {"width": 16, "epochs": None}}, "network: width 16 (paper 64)"),
        ({"width": 16}, "networks of width 16"),
        ({"attack": "lc", "attack_settings": {"steps": 30}}, "LC: steps 30 (paper 100)"),
        ({"defense": "dbd", "settings": {"semi_epochs": 4}}, "DBD: semi_epochs 4 (paper 100)"),
        ({"surrogate": {"settings": {"width": 64, "epochs": 6}}}, "surrogate: epochs 6 (paper 100)"),
        ({"extractor": "resnet18", "extractor_settings": {"size": 112}}, "size 112 (paper 224)"),
        (
            {"extractor": "simclr", "sha256": {"weights": {"settings": {"width": 64, "epochs": 5}}}},
            "epochs 5 (paper 100)",
        ),
    ],
)
def test_each_smaller_setting_is_named(change, part):
    found = scale.reductions({**FULL, "attack": "badnets", "defense": "hp", **change})
    assert len(found) == 1
    assert part in found[0]


def test_the_papers_sizes_are_those_of_the_shipped_config():
    config = check(yaml.safe_load((claims.CLAIMS.parent / "config.yaml").read_text()))
    given = {**config["attacks"], **config["defenses"], **config["network_defenses"], "hid": config["hid"]}
    for module, sizes in {**scale.ATTACKS, **scale.DEFENSES}.items():
        if module in given:
            assert {k: given[module][k] for k in sizes} == sizes, module
    for key, sizes in scale.PAPER.items():
        own = {**config[key.removesuffix("_settings")], **({"width": 64} if key == "split_settings" else {})}
        assert {k: own[k] for k in sizes} == sizes, key


def test_metrics_files_are_read_with_their_settings_and_controls_left_out(tmp_path):
    rates = {"acc": 90.0, "asr": 1.0, "ra": 89.0}
    cell = {**FULL, "attack": "badnets", "defense": "hp", "seed": 0, "settings": {"epsilon": 0.1, "statistic": "max"}}
    store.save_json(tmp_path / "hp.json", {**cell, **rates})
    store.save_json(tmp_path / "random.json", {**cell, "defense": "random", "pruned": None})
    store.save_json(tmp_path / "poisoned.json", {**cell, **rates, "extractor": "backdoored"})
    paths = [str(tmp_path / f"{name}.json") for name in ("hp", "random", "poisoned")]
    own = evidence.measured("figure14", paths)
    assert list(own["extractor_kind"]) == ["clean", "poisoned"]
    assert own["epsilon"].tolist() == [0.1, 0.1]
    (tmp_path / "hp.json").write_text("{")
    with pytest.raises(HolderError, match="hp.json: is not a metrics file"):
        evidence.measured("figure14", paths)


def test_table_4s_totals_are_compared_and_a_cpu_is_no_evidence(tmp_path):
    lines = ["dataset,defense,stage,seconds_mean,device,published_seconds", "cifar10,hp,prune,5,NVIDIA,"]
    lines += ["cifar10,hp,total,25,NVIDIA,30", "cifar10,dst,total,50000,NVIDIA,49600"]
    (tmp_path / "table4.csv").write_text("\n".join(lines))
    rows = cells([("badnets", "hp", 0, 90, 1, 89)])
    own = evidence.runtimes(str(tmp_path / "table4.csv"), {"table1": rows})
    wanted = next(c for c in claims.load() if c["id"] == "hp-speed")
    (found,) = verdicts.judge([wanted], {"table4": own}, {}, PRINTED).to_dict("records")
    assert (found["value"], found["verdict"], found["seeds"]) == (2000, "holds", 0)
    (tmp_path / "table4.csv").write_text("\n".join(lines).replace("NVIDIA", '"CPU, x86_64"'))
    own = evidence.runtimes(str(tmp_path / "table4.csv"), {"table1": rows})
    assert verdicts.judge([wanted], {"table4": own}, {}, PRINTED)["verdict"].item() == "holds (reduced scale)"


def test_the_lowest_asr_that_a_curve_reaches_at_little_cost(tmp_path):
    cell = {**FULL, "attack": "badnets", "defense": "fp", "seed": 0, "acc": 90.0, "asr": 90.0, "ra": 9.0}
    store.save_json(tmp_path / "fp.json", {**cell, "counts": {"clean": 10_000, "triggered": 900}})
    curve = {"scores": np.zeros(4, np.float32), "correct": np.array([9000, 9000, 8500, 8499, 1000])}
    store.save(tmp_path / "fp.safetensors", {**curve, "hits": np.array([900, 450, 90, 9, 0])})
    own = evidence.measured("figure5", [str(tmp_path / "fp.json")], [str(tmp_path / "fp.safetensors")])
    assert own["kept_asr"].tolist() == [10.0], "5 points of ACC are allowed, 5.01 are not"


def rounds_of_hid(folder, **changed):
    """Reports of two rounds of HID and of HID without its extractor."""
    paths = []
    for variant, asr in (("paper", 5.0), ("no_extractor", 95.0)):
        for number in (1, 2):
            rates = {"acc": 80.0 + number, "asr": asr, "ra": 3.0}
            cell = {**FULL, "extractor": "preactresnet18", "attack": "badnets", "defense": "hid", "seed": 0}
            cell |= {"variant": variant, "round": number, "pruned": 640 - 128 * number, "clean_poisoned": 50}
            cell |= {"poisoned": 2500, "unpruned": {**rates, "asr": 60.0 - number}, "after": rates, **changed}
            paths.append(str(folder / f"{variant}{number}.json"))
            store.save_json(paths[-1], cell)
    return paths


def test_claims_on_hids_rounds(tmp_path):
    own = evidence.read_cells({f"{name}_reports": rounds_of_hid(tmp_path) for name in ("figure8", "figure10")})
    wanted = [c for c in claims.load() if c["source"] in ("figure8", "figure10")]
    found = verdicts.judge(wanted, own, {}, PRINTED).set_index("id")
    assert found["value"].dropna().to_dict() == {
        "split-keeps-poison-out": 2.0,
        "hid-lowers-initial-asr": -1.0,
        "hid-part-1": 90.0,
    }
    assert found.loc["hid-part-1", "verdict"] == "holds", "at the paper's size"
    assert found.loc["hid-part-2", "missing"] == "no ASR: HID without pruning"
    fewer = evidence.rounds("figure10", rounds_of_hid(tmp_path, pruned=100, settings={"epochs": 2}))
    assert fewer["reductions"][0] == ("HID: 100 neurons pruned in round 1 (paper 512)", "HID: epochs 2 (paper 20)")
    look = evidence.rounds("figure8", rounds_of_hid(tmp_path, settings={"epochs": 0}))
    assert look["reductions"][0] == (), "a look at what HID ends with trains nothing"


def test_claims_on_moved_images(tmp_path):
    paths = []
    for model, target in (("benign", 0), ("network", 60), ("mobilenetv3", 30)):
        counts = np.array([[10, 80, 10], [target, 90 - target, 10]])
        arrays = dict.fromkeys(("clean", "triggered"), counts)
        arrays |= {f"{k}_target": np.array([0.1, target / 100]) for k in ("clean", "triggered")}
        paths.append(str(tmp_path / f"{model}.safetensors"))
        cell = {**FULL, "extractor": model, "attack": "badnets", "defense": "none", "seed": 0, "target_label": 0}
        store.save(paths[-1], arrays, **cell, sizes=[0, 4])
    own = evidence.moved("figure4", paths)
    row = own[(own["images"] == "clean") & (own["step"] == 4)].set_index("model")
    assert row["target_share"].to_dict() == {"benign": 0, "network": 60, "extractor": 30}
    assert row["target_lead"].to_dict() == {"benign": -90, "network": 30, "extractor": -30}
    assert row["target_probability"].to_dict() == {"benign": 0, "network": 60, "extractor": 30}
    assert row["reductions"].to_dict() == {"benign": (), "network": (), "extractor": ("MobileNetV3-Small features",)}
    wanted = [c for c in claims.load() if c["source"] == "figure4"]
    found = verdicts.judge(wanted, {"figure4": own[own["model"] != "extractor"]}, {}, PRINTED).set_index("id")
    assert found["value"].to_dict() == {"backdoor-answers-small-steps": 60, "backdoor-more-than-benign": 60}
    assert (found["verdict"] == "holds").all()
