# Two commands are all a reader needs: `make table1` and `make test`. `make all` makes everything.
PYTHON ?= python3
CORES ?= 2
ENV = .venv/installed
QUICK = .venv/bin/snakemake --workflow-profile profiles/quick --cores $(CORES)

.PHONY: table1 all test test-slurm lint slurm audit lock

table1: $(ENV)  ## Table 1 on real images, sized for two CPU cores
	$(QUICK) first_table
	@echo "See results/quick/table1.md, results/quick/table1.csv and results/quick/figures/."

all: $(ENV)  ## every table, figure and verdict at the same size, and a report of them
	$(QUICK) all
	$(QUICK) --report results/quick/report.html all
	@echo "Open results/quick/index.html, or results/quick/report.html, in a browser."

test: $(ENV)  ## the test suite
	.venv/bin/python -m pytest

slurm: $(ENV)  ## the Slurm executor, for profiles/slurm (docs/cluster.md)
	.venv/bin/python -m pip install --quiet --require-hashes --requirement envs/slurm.lock

test-slurm: slurm  ## profiles/slurm on a Slurm of one node; root and Debian's slurm-wlm and munge are needed
	.venv/bin/python -m pytest -rs tests/test_slurm.py

lint: $(ENV)  ## style of the Python and Snakemake files, and Snakemake's own advice
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/snakefmt --check Snakefile rules
	.venv/bin/snakemake --workflow-profile profiles/quick --lint

# The environment is one hash-pinned lock. Delete .venv to build it anew.
$(ENV): envs/requirements.lock
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.x')"
	@echo "Making the pinned environment in .venv: 3 GB to download, 6 GB on disk, some minutes."
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --require-hashes --requirement envs/requirements.lock
	touch $@

# For maintainers: needs pip-audit (pip install pip-audit) and a network.
audit:
	pip-audit --require-hashes --disable-pip --requirement envs/requirements.lock --requirement envs/slurm.lock

# For maintainers: needs uv (pip install uv).
lock:
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
		--no-emit-index-url envs/requirements.in --output-file envs/requirements.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url \
		--constraints envs/requirements.lock envs/slurm.in --output-file envs/slurm.lock
	$(PYTHON) envs/conda_from_lock.py > envs/holder.yaml
