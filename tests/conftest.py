"""What several files of tests start from."""

import os

# Sums then have one order, and two cores that are busy do not wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest

from tests.workflow import SMALL, small, snakemake


@pytest.fixture(scope="session")
def straight(tmp_path_factory):
    """A small Table 1 that was made on this machine without a disturbance."""
    project = small(tmp_path_factory.mktemp("straight"))
    run = snakemake(project, targets=SMALL)
    assert run.returncode == 0, run.stderr[-5000:]
    return project
