# The first page of the report, and a page of its own: open it in any browser.
rule start_page:
    input:
        claims="<results>/claims.md",
        verdicts="<results>/claims.csv",
        audit="<results>/audit.md",
        tables=expand("<results>/{table}.md", table=SHOWN_TABLES),
        figures=expand("<results>/figures/{figure}.png", figure=SHOWN_FIGURES),
        metrics=lambda w: sorted({path for name in TABLES for path in table_files("metrics.json", name)}),
    output:
        html=report(
            "<results>/index.html",
            caption="../report/caption.rst",
            category="Begin here",
            labels={"page": "verdicts, tables, figures"},
        ),
    log:
        "<logs>/start_page.log",
    benchmark:
        "<benchmarks>/start_page.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        caption="Everything on one page.",
        records=f"{config['results']}/benchmarks",
        code=fingerprint("scripts/start_page.py"),
    message:
        "One page with verdicts, tables and figures"
    script:
        "../scripts/start_page.py"
