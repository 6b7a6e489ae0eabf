"""Speeds per unit of work from the benchmark files of a finished run, as rows of config/measured.csv.

    python benchmarks/measured.py results/quick/benchmarks config/quick.yaml > config/measured.csv

A row per rule and module: CPU seconds of one core (wall seconds for a job on a GPU) less the start of the
job, summed over its jobs, by the units that holder/work.py counts with the given overlay of config/config.yaml.
"""

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import yaml
from snakemake.utils import update_config

from holder import work
from holder.config import check
from holder.plan import START

DEVICE = "CPU, one core"


def main(folder: str, overlay: str, device: str = DEVICE) -> None:
    config = yaml.safe_load(Path("config/config.yaml").read_text())
    update_config(config, yaml.safe_load(Path(overlay).read_text()))
    check(config)
    sums = defaultdict(lambda: [0.0, 0.0, 0])
    for path in sorted(Path(folder).rglob("*.jsonl")):
        for line in path.read_text().splitlines():
            job = json.loads(line)
            rule, w = work.SAME.get(job["rule_name"], job["rule_name"]), job["wildcards"]
            unit, number = work.work(rule, w, config)
            if not number:
                continue
            name = w.get(work.NAMED.get(rule, ""), "hp" if rule == "prune" else "")
            row = sums[rule, name, unit]
            seconds = job["cpu_time"] if device == DEVICE else job["s"]
            row[0] += max(0.0, seconds - START)
            row[1] += number
            row[2] += 1
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["rule", "name", "unit", "seconds_per_unit", "device", "jobs", "source"])
    for (rule, name, unit), (seconds, units, jobs) in sorted(sums.items()):
        source = f"snakemake --workflow-profile profiles/quick all ({overlay})"
        out.writerow([rule, name, unit, f"{seconds / units:.4g}", device, jobs, source])


if __name__ == "__main__":
    main(*sys.argv[1:])
