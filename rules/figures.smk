rule figure_curves:
    input:
        made_of=made_of("table1", TABLE1),
        metrics=pruned("metrics.json"),
        curves=pruned("curve.safetensors"),
    output:
        multiext("<results>/figures/table1_curves", pdf=".pdf", png=".png"),
    log:
        "<logs>/figure_curves.log",
    benchmark:
        "<benchmarks>/figure_curves.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        code=fingerprint("scripts/figure_curves.py"),
    message:
        "Figure: ACC and ASR against pruned neurons"
    script:
        "../scripts/figure_curves.py"


rule figure16:
    input:
        test=f"<results>/images/{shown_attacks()[0]}/test.safetensors",
        triggered=[
            f"<results>/images/{shown_attacks()[0]}/{attack}/seed={SEED}/test.safetensors"
            for attack in shown_attacks()[1]
        ],
    output:
        multiext("<results>/figures/figure16", pdf=".pdf", png=".png"),
    log:
        "<logs>/figure16.log",
    benchmark:
        "<benchmarks>/figure16.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        attacks=shown_attacks()[1],
        image=3,
        code=fingerprint("scripts/figure16.py"),
    message:
        "Figure 16: one image under every trigger"
    script:
        "../scripts/figure16.py"
