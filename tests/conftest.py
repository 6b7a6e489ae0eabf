"""One thread everywhere: sums then have one order, and two cores that are busy do not wait for each other."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
