# Written while the workflow is read: Snakemake looks for input files before it asks for their names.
MADE_OF = {name: made_of(name) for name in TABLES}


rule table:
    input:
        made_of=lambda w: MADE_OF[w.table],
        metrics=lambda w: table_files("metrics.json", w.table),
        curves=lambda w: table_files("curve.safetensors", w.table),
    output:
        csv=report(
            "<results>/{table}.csv",
            caption="../report/caption.rst",
            category="Tables",
            labels={"table": "{table}", "as": "CSV"},
        ),
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
        caption=lambda w: title(w.table),
        printed=[content_hash(f"config/{name}.csv") for name in ("published", "doubts")],
        code=fingerprint("scripts/table.py"),
    message:
        "{wildcards.table}: metrics beside the printed values"
    script:
        "../scripts/table.py"


# Run times come from the records of the jobs themselves, so a rerun of a stage is seen here.
rule table4:
    input:
        metrics=[entry["metrics"] for entry in timed()],
    output:
        csv=report(
            "<results>/table4.csv",
            caption="../report/caption.rst",
            category="Tables",
            labels={"table": "table4", "as": "CSV"},
        ),
        md="<results>/table4.md",
    log:
        "<logs>/table4.log",
    benchmark:
        "<benchmarks>/table4.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        entries=timed(),
        benchmarks=f"{config['results']}/benchmarks",
        caption=title("table4"),
        printed=content_hash("config/published.csv"),
        code=fingerprint("scripts/runtimes.py"),
    message:
        "table4: run times by stage"
    script:
        "../scripts/runtimes.py"
