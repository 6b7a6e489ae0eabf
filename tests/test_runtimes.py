"""Table 4 from made-up benchmark records whose sums are known."""

import json

import pytest

from holder import runtimes


def record(path, *seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"s": s, "h:m:s": "0:00:01"}) + "\n" for s in seconds))
    return str(path)


def entry(folder, defense, seed, stages, extractor="preactresnet18", **own):
    """own: {stage: seconds} that the defense measured of itself."""
    metrics = folder / f"{extractor}{defense}{seed}.json"
    cell = {"dataset": "cifar10", "device": "a card", "extractor": extractor, "defense": defense}
    metrics.write_text(
        json.dumps({**cell, "attack": "sig", "poison_rate": 0.05, "seed": seed, "seconds": sum(own.values())})
    )
    return {"metrics": str(metrics), "stages": stages, **({"own": next(iter(own))} if own else {})}


def test_stages_add_up_and_only_totals_stand_beside_the_printed_seconds(tmp_path):
    entries = []
    for seed in (0, 1):
        stages = {"simclr": [record(tmp_path / f"{seed}-simclr", 1000)]}
        entries.append(entry(tmp_path, "hid", seed, stages, rounds=40 + 4 * seed))
    entries.append(entry(tmp_path, "abl", 0, {"network": [record(tmp_path / "abl", 99, 50)]}))
    out = runtimes.table(runtimes.read(entries)).set_index(["defense", "stage"])
    assert out.loc[("hid", "rounds"), "seconds_mean"] == 42
    assert out.loc[("hid", "total"), "seconds_mean"] == 1042
    assert out.loc[("hid", "total"), "seconds_sd"] == pytest.approx(8**0.5)
    assert out.loc[("hid", "total"), ["n", "published_seconds"]].tolist() == [2, 5400]
    assert out["published_seconds"].notna().sum() == 2
    assert out.loc[("abl", "total"), "seconds_mean"] == 50, "the last line is the job's last run"


def test_what_a_job_does_for_the_reader_alone_is_not_the_defenses_time(tmp_path):
    record(tmp_path / "defend/clp", 58)
    stages = {"network": [record(tmp_path / "network", 60)]}
    out = runtimes.read([entry(tmp_path, "clp", 0, stages, defend=0.5)]).set_index("stage")["seconds"]
    assert out.to_dict() == {"network": 60, "defend": 0.5, "total": 60.5}


def test_a_cell_without_a_record_is_left_out_not_counted_short(tmp_path):
    stages = {"simclr": [str(tmp_path / "none")]}
    entries = [
        entry(tmp_path, "hid", 0, stages, rounds=1000),
        entry(tmp_path, "abl", 0, {"network": [record(tmp_path / "abl", 5)]}),
    ]
    table = runtimes.table(runtimes.read(entries))
    assert set(table["defense"]) == {"abl"}
    assert "| **ABL** | **total** | **1** | **5.0** | **4,680** |" in runtimes.markdown(table, runtimes.read(entries))


def test_clp_on_a_classifier_and_on_channels_are_two_rows(tmp_path):
    entries = [
        entry(tmp_path, "clp", 0, {"prune": [record(tmp_path / name, seconds)]}, name)
        for name, seconds in (("clip", 4), ("preactresnet18", 90))
    ]
    out = runtimes.table(runtimes.read(entries)).query("stage == 'total'").set_index("extractor")
    assert out["seconds_mean"].to_dict() == {"clip": 4, "preactresnet18": 90}
