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
