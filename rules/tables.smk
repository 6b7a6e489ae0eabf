rule table:
    input:
        made_of=lambda w: made_of(w.table),
        metrics=lambda w: pruned("metrics.json", TABLES[w.table], columns(TABLES[w.table])),
        curves=lambda w: pruned("curve.safetensors", TABLES[w.table], columns(TABLES[w.table])),
    output:
        csv="<results>/{table}.csv",
        md="<results>/{table}.md",
        tex="<results>/{table}.tex",
    log:
        "<logs>/{table}.log",
    benchmark:
        "<benchmarks>/{table}.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        printed=[content_hash(f"config/{name}.csv") for name in ("published", "doubts")],
        code=fingerprint("scripts/table.py"),
    message:
        "{wildcards.table}: metrics beside the printed values"
    script:
        "../scripts/table.py"
