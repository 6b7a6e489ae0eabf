"""Hölder Pruning, reproduced. One cell of Table 1 is made by these rules, in this order:

dataset → fit_attack → trigger_test, poison → features → head → prune (prune_hp) → table1
"""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "rules/common.smk"


pathvars:
    results=config["results"],
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",
    data=config["data"],


include: "rules/dataset.smk"
include: "rules/attack.smk"
include: "rules/features.smk"
include: "rules/head.smk"
include: "rules/prune.smk"
include: "rules/table1.smk"
include: "rules/figures.smk"
include: "rules/attack_cards.smk"


rule all:
    default_target: True
    input:
        rules.table1.output,
        rules.figure_curves.output,
        rules.figure16.output,
        rules.attacks.output,


onstart:
    refuse_without_gpu()
