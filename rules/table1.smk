rule table1:
    message:
        "Table 1"
    localrule: True
    input:
        metrics=pruned("metrics.json"),
        curves=pruned("curve.safetensors"),
    output:
        csv="<results>/table1.csv",
        md="<results>/table1.md",
        tex="<results>/table1.tex",
    params:
        published=hashlib.sha256((Path(workflow.basedir) / "config/published.csv").read_bytes()).hexdigest(),
        code=fingerprint("scripts/table1.py"),
    log:
        "<logs>/table1.log",
    benchmark:
        "<benchmarks>/table1.jsonl"
    conda:
        "../envs/holder.yaml"
    script:
        "../scripts/table1.py"
