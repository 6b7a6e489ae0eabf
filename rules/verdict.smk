# The paper against itself: no result of this workflow goes into it.
rule audit:
    input:
        published="config/published.csv",
    output:
        md="<results>/audit.md",
    log:
        "<logs>/audit.log",
    benchmark:
        "<benchmarks>/audit.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        code=fingerprint("scripts/audit.py"),
    message:
        "The printed numbers against each other"
    script:
        "../scripts/audit.py"


rule claims:
    input:
        unpack(lambda w: measured_cells()),
        tables=expand("<results>/{table}.csv", table=TABLES),
        figure4_arrays=DRAWN_FROM["figure4"]["arrays"],
        figure5=DRAWN_FROM["figure5"]["metrics"],
        figure5_curves=DRAWN_FROM["figure5"]["curves"],
        figure6=DRAWN_FROM["figure6"]["metrics"],
        figure6_curves=DRAWN_FROM["figure6"]["curves"],
        figure8_reports=rounds_of(one_seed(FIGURES["figure7"]), REPORTED, rounds=(1, LAST_LOOK)),
        figure9=DRAWN_FROM["figure9"]["metrics"],
        figure9_curves=DRAWN_FROM["figure9"]["curves"],
        figure10_reports=DRAWN_FROM["figure10"]["reports"],
        figure11_reports=rounds_of(one_seed(FIGURES["figure11"]), REPORTED),
        figure12=DRAWN_FROM["figure12"]["metrics"],
        figure14=DRAWN_FROM["figure14"]["metrics"],
        figure15_arrays=DRAWN_FROM["figure15"]["arrays"],
        sensitivity="<results>/sensitivity.csv",
        runtime="<results>/table4.csv",
    output:
        multiext("<results>/claims", csv=".csv", md=".md"),
    log:
        "<logs>/claims.log",
    benchmark:
        "<benchmarks>/claims.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        said=[content_hash(f"config/{name}") for name in ("claims.yaml", "published.csv")],
        code=fingerprint("scripts/claims.py"),
    message:
        "The paper's claims on its numbers and on ours"
    script:
        "../scripts/claims.py"


rule comparison:
    input:
        unpack(lambda w: measured_cells()),
        tables=expand("<results>/{table}.csv", table=TABLES),
        runtime="<results>/table4.csv",
    output:
        csv="<results>/comparison.csv",
        pdf="<results>/figures/comparison.pdf",
        png=report(
            "<results>/figures/comparison.png",
            caption="../report/caption.rst",
            category="Figures",
            labels={"figure": "comparison"},
        ),
    log:
        "<logs>/comparison.log",
    benchmark:
        "<benchmarks>/comparison.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        caption=registry.caption("comparison"),
        code=fingerprint("scripts/comparison.py"),
    message:
        "Printed numbers beside ours"
    script:
        "../scripts/comparison.py"


# Asked for by name, before a run: 'snakemake plan'. It describes 'all' and is no part of it.
rule plan:
    output:
        md="<results>/plan.md",
    log:
        "<logs>/plan.log",
    benchmark:
        "<benchmarks>/plan.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        config=lambda w: config,
        patterns=lambda w: output_patterns(),
        on_gpu=lambda w: gpu_rules(),
        speeds=content_hash("config/measured.csv"),
        code=fingerprint("scripts/plan.py"),
    message:
        "What a run of everything would take"
    script:
        "../scripts/plan.py"
