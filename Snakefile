"""Hölder Pruning, reproduced. One cell of Table 1 is made by these rules, in this order:

dataset → fit_attack → trigger_test, poison → features → head → prune (prune_hp) → table
"""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/inputs.smk"


report: "report/workflow.rst"


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
include: "rules/networks.smk"
include: "rules/defend.smk"
include: "rules/tables.smk"
include: "rules/pictures.smk"
include: "rules/figures.smk"
include: "rules/attack_cards.smk"
include: "rules/verdict.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        expand("<results>/{table}.csv", table=SHOWN_TABLES),
        expand("<results>/figures/{figure}.png", figure=SHOWN_FIGURES),
        rules.attacks.output,
        rules.claims.output,
        rules.comparison.output,
        rules.start_page.output,


# Table 1 and what belongs to it: the README's first command.
rule first_table:
    input:
        "<results>/table1.csv",
        expand("<results>/figures/{figure}.png", figure=["figure16", "table1_curves"]),
        rules.attacks.output,


onstart:
    refuse_without_gpu()
