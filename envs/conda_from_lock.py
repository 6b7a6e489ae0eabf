"""Print a conda environment with the versions of requirements.lock, for `snakemake --sdm conda`."""

import re
from pathlib import Path

pins = re.findall(
    r"^([a-z][^ \\]*==[^ \\]+)( ; [^\\]+)?", Path(__file__).with_name("requirements.lock").read_text(), re.M
)
print("# Made by `make lock` from requirements.lock; do not edit.")
print("name: holder\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:")
for pin, marker in pins:
    print(f'      - "{pin}{marker.replace(chr(34), chr(39)).rstrip()}"')
