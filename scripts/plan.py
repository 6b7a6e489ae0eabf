"""Count what `all` would take with this config: Snakemake's own list of jobs, times measured speeds."""

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from holder import job, plan, registry, store
from holder.errors import HolderError


def main(snakemake):
    params = snakemake.params
    with tempfile.TemporaryDirectory() as folder:
        merged = Path(folder) / "config.yaml"
        merged.write_text(yaml.safe_dump(dict(params.config)), encoding="utf-8")
        snakefile = str(registry.ROOT.parent / "Snakefile")
        command = [sys.executable, "-m", "snakemake", "--snakefile", snakefile, "--workflow-profile", "none"]
        command += ["--cores", "1", "--configfile", str(merged), "--summary", "--", "all"]
        told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode:
        raise HolderError(f"plan: Snakemake could not list the jobs of all: {told.stderr.strip().splitlines()[-1]}")
    jobs = plan.jobs(told.stdout, params.patterns)
    pending = plan.jobs("\n".join(line for line in told.stdout.splitlines() if "pending" in line), params.patterns)
    logging.info("%d jobs, %d of them still to run", len(jobs), len(pending))
    found = plan.rows(jobs, params.config, set(params.on_gpu))
    store.save_text(snakemake.output.md, plan.markdown(found, params.config))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
