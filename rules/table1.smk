rule table1:
    input:
        made_of=made_of("table1", TABLE1),
        metrics=pruned("metrics.json"),
        curves=pruned("curve.safetensors"),
    output:
        csv="<results>/table1.csv",
        md="<results>/table1.md",
        tex="<results>/table1.tex",
    log:
        "<logs>/table1.log",
    benchmark:
        "<benchmarks>/table1.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        published=content_hash("config/published.csv"),
        code=fingerprint("scripts/table1.py"),
    message:
        "Table 1"
    script:
        "../scripts/table1.py"
