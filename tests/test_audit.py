"""The audit on the printed numbers and on copies of them in which one cell was changed."""

import pandas as pd
import pytest

from holder import audit, printed, tables


def findings(path=None):
    return AS_PRINTED if path is None else read(path)


def read(path):
    return audit.findings(printed.read(path), printed.runtimes(path))


AS_PRINTED = read(tables.PUBLISHED)


@pytest.fixture
def edited(tmp_path):
    """Write published.csv with one number changed; return its path."""

    def edit(value, **where):
        numbers = pd.read_csv(tables.PUBLISHED, dtype=str, keep_default_na=False)
        mask = pd.Series(True, index=numbers.index)
        for key, wanted in where.items():
            mask &= numbers[key] == wanted
        assert mask.sum() == 1
        numbers.loc[mask, "value"] = value
        numbers.to_csv(tmp_path / "published.csv", index=False)
        return tmp_path / "published.csv"

    return edit


def test_averages_are_recomputed_from_the_rows():
    found, checked = audit.averages(printed.read())
    assert checked == 149
    recomputed = {f.id: (f.printed, float(f.recomputed)) for f in found}
    assert list(recomputed) == [f"A{i}" for i in range(1, 13)]
    # Table 2, CIFAR-10, ABL to HID: DBD's nine ASR, typed in from the table.
    dbd = (2.1 + 99.9 + 95.6 + 98.6 + 9.9 + 7.0 + 99.5 + 99.8 + 9.8) / 9
    assert recomputed["A3"] == ("68.0", pytest.approx(dbd, abs=0.006))
    # Table 5, GTSRB, 5 %: six attacks, LC and SIG not applicable; by eight the printed 3.1 comes out.
    six = 0.0 + 3.2 + 0.0 + 5.7 + 8.0 + 8.4
    assert recomputed["A12"] == ("3.1", pytest.approx(six / 6, abs=0.006))
    assert six / 8 == pytest.approx(3.1, abs=0.07)
    fmp = (86.6 + 6.3 + 14.6 + 84.8 + 10.0 + 97.4 + 94.3 + 100.0 + 91.4) / 9
    assert recomputed["A1"] == ("56.1", pytest.approx(fmp, abs=0.006))


def test_a_corrected_average_is_no_finding_and_a_broken_one_is_a_new_one(edited):
    place = {"table": "1", "dataset": "cifar10", "attack": "average", "metric": "asr"}
    ids = [f.id for f in findings(edited("65.0", **place, defense="fmp"))]
    assert "A1" not in ids
    assert "A2" in ids, "the others keep their ids"
    found = findings(edited("37.5", **place, defense="fp"))
    assert "A13" in [f.id for f in found]


def test_sums_above_100_appear_and_disappear_with_their_cell(edited):
    before = [f.place for f in findings() if f.id == "B1"]
    assert len(before) == 16
    assert "Table 2, CIFAR-10, LF, DBD" in before
    place = {"table": "2", "dataset": "cifar10", "attack": "lf", "defense": "dbd", "metric": "ra"}
    after = [f.place for f in findings(edited("1.4", **place)) if f.id == "B1"]
    assert set(before) - set(after) == {"Table 2, CIFAR-10, LF, DBD"}
    place = {"table": "6", "attack": "bpp", "defense": "anp", "metric": "ra"}
    after = [f.place for f in findings(edited("0.2", **place)) if f.id == "B1"]
    assert set(after) - set(before) == {"Table 6, CIFAR-100, BppAttack, ANP"}


def test_ra_above_acc_is_listed_and_named_when_it_is_by_points():
    found = {f.place: f.verdict for f in findings() if f.id == "B2"}
    assert len(found) == 26
    assert [p for p, verdict in found.items() if verdict == "not plausible"] == [
        "Table 2, CIFAR-10, BadNets, ABL",
        "Table 3, CIFAR-10, SimCLR, SIG, HP",
        "Table 5, CIFAR-10, 5 %, SIG, HID",
    ]


@pytest.mark.parametrize(
    ("id", "count", "part"),
    [
        ("C1", 1, "7 of 8"),
        ("C2", 1, "89.10 / 3.08 / 87.69"),
        ("C3", 7, "difference 3.0"),
        ("C4", 1, "90.9 / 1.5 / 90.6"),
        ("C5", 1, "61 times"),
        ("C6", 1, "16 of 16"),
        ("C7", 1, "74 of 74"),
        ("C8", 3, "all three equal"),
        ("C9", 2, "swapped"),
        ("D1", 1, "CIFAR-10, SIG 4.3"),
        ("D2", 1, "CIFAR-10 0.3, GTSRB 3.8; mean of both 2.0"),
        ("D3", 1, "in no table"),
        ("D4", 1, "undefended 91.2; 93.1"),
        ("D5", 6, "ACC on 5 of 8"),
        ("D6", 2, "lowest ASR in 3 of 9, highest RA in 8"),
        ("D8", 4, "D-ST 1653x"),
        ("D11", 3, "5: "),
        ("E3", 2, "without Input-aware"),
        ("E4", 1, "0.54 %"),
        ("G9", 1, "18.4 to 31.4 points of ACC, 23.3 on average"),
    ],
)
def test_every_other_entry_is_found_with_its_number(id, count, part):
    found = [f for f in findings() if f.id == id]
    assert len(found) == count
    assert any(part in " | ".join(f) for f in found)


def test_a_copied_cell_that_is_changed_is_no_longer_found(edited):
    place = {"table": "8", "dataset": "gtsrb", "attack": "trojan", "defense": "nc", "metric": "ra"}
    copies = [f for f in findings(edited("80.5", **place)) if f.id == "C8"]
    assert not any("Trojan" in f.place for f in copies)
    place = {"table": "5", "dataset": "cifar10", "attack": "badnets", "poison_rate": "0.01", "metric": "asr"}
    ids = [f.id for f in findings(edited("0.2", **place))]
    assert "C4" not in ids
    assert "C1" in ids


def test_the_audit_can_be_read_by_a_stranger():
    text = audit.markdown(findings(), 149)
    assert "137 agree" in text
    for title in audit.GROUPS.values():
        assert title in text
    assert "- D7: a reference to the wrong table number." in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {6}


def test_every_doubt_is_about_a_cell_that_is_printed():
    doubts = pd.read_csv(tables.DOUBTS, dtype=str, keep_default_na=False)
    cells = pd.read_csv(tables.PUBLISHED, dtype=str, keep_default_na=False)
    cells["extractor"] = cells["extractor"].replace("preres", "resnet18")
    for doubt in doubts.to_dict("records"):
        named = {k: v for k, v in doubt.items() if v and k != "reason"}
        match = cells
        for key, value in named.items():
            match = match[match[key] == value]
        assert len(match), doubt


def test_every_average_that_does_not_follow_and_every_copy_is_marked_doubtful():
    doubts = pd.read_csv(tables.DOUBTS, dtype=str, keep_default_na=False)
    reasons = " ".join(doubts["reason"])
    for id in [*(f"A{i}" for i in range(1, 13)), "B2", "C1", "C2", "C3", "C4", "C8", "D9"]:
        assert id in reasons.replace(",", " ").replace("(", " ").replace(")", " ").split()
