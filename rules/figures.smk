def drawn_from(name, *paths):
    """Inputs of a figure: metrics and curves of (grid, folder of a defense) pairs, and the list of both."""
    folders = {
        kind: [p for grid, folder in paths for p in cells(f"<results>/pruned/{CELL}/{folder}/{kind}", grid)]
        for kind in ("metrics.json", "curve.safetensors")
    }
    return {
        "made_of": listed(f"figures/{name}", {"inputs": folders["metrics.json"]}),
        "metrics": folders["metrics.json"],
        "curves": folders["curve.safetensors"],
    }


rule table_curves:
    input:
        made_of=lambda w: made_of(w.table),
        metrics=lambda w: pruned("metrics.json", TABLES[w.table], columns(TABLES[w.table])),
        curves=lambda w: pruned("curve.safetensors", TABLES[w.table], columns(TABLES[w.table])),
    output:
        multiext("<results>/figures/{table}_curves", pdf=".pdf", png=".png"),
    log:
        "<logs>/{table}_curves.log",
    benchmark:
        "<benchmarks>/{table}_curves.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        figure="curves",
        code=fingerprint("scripts/figure.py", "figures", "curves"),
    message:
        "Figure: ACC and ASR against pruned neurons, every cell of {wildcards.table}"
    script:
        "../scripts/figure.py"


rule figure5:
    input:
        unpack(
            lambda w: drawn_from(
                "figure5",
                *((FIGURES["figure5"], hp_folder() if d == "hp" else d) for d in FIGURES["figure5"]["defenses"]),
            )
        ),
    output:
        multiext("<results>/figures/figure5", pdf=".pdf", png=".png"),
    log:
        "<logs>/figure5.log",
    benchmark:
        "<benchmarks>/figure5.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        figure="figure5",
        code=fingerprint("scripts/figure.py", "figures", "figure5"),
    message:
        "Figure 5: ACC and ASR against the share of pruned neurons"
    script:
        "../scripts/figure.py"


rule figure6:
    input:
        unpack(
            lambda w: drawn_from(
                "figure6", *((FIGURES["figure6"], hp_folder(epsilon=e)) for e in FIGURES["figure6"]["epsilons"])
            )
        ),
    output:
        multiext("<results>/figures/figure6", pdf=".pdf", png=".png"),
    log:
        "<logs>/figure6.log",
    benchmark:
        "<benchmarks>/figure6.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        figure="figure6",
        code=fingerprint("scripts/figure.py", "figures", "figure6"),
    message:
        "Figure 6: mean Hölder constant against ε"
    script:
        "../scripts/figure.py"


rule figure12:
    input:
        unpack(
            lambda w: drawn_from(
                "figure12",
                (FIGURES["figure12"], "none"),
                *((FIGURES["figure12"], hp_folder(epsilon=e)) for e in FIGURES["figure12"]["epsilons"]),
            )
        ),
    output:
        multiext("<results>/figures/figure12", pdf=".pdf", png=".png"),
    log:
        "<logs>/figure12.log",
    benchmark:
        "<benchmarks>/figure12.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        figure="figure12",
        code=fingerprint("scripts/figure.py", "figures", "figure12"),
    message:
        "Figure 12: ACC and ASR of HP against ε"
    script:
        "../scripts/figure.py"


rule figure13:
    input:
        unpack(lambda w: drawn_from("figure13", ({**FIGURES["figure13"], "seeds": [SEED]}, hp_folder()))),
        effects=cells(f"<results>/effects/{CELL}.safetensors", {**FIGURES["figure13"], "seeds": [SEED]}),
    output:
        multiext("<results>/figures/figure13", pdf=".pdf", png=".png"),
    log:
        "<logs>/figure13.log",
    benchmark:
        "<benchmarks>/figure13.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        figure="figure13",
        code=fingerprint("scripts/figure.py", "figures", "figure13"),
    message:
        "Figure 13: density of the Hölder constants"
    script:
        "../scripts/figure.py"


# The same cells on an extractor that saw the poisoned images.
POISONED_EXTRACTOR = {**FIGURES["figure14"], "extractors": ["backdoored"]}


rule figure14:
    input:
        unpack(
            lambda w: drawn_from(
                "figure14",
                *(
                    (grid, folder)
                    for grid in (POISONED_EXTRACTOR, FIGURES["figure14"])
                    for folder in ("none", hp_folder())
                ),
                (FIGURES["figure14"], hp_folder(statistic="mean")),
            )
        ),
    output:
        multiext("<results>/figures/figure14", pdf=".pdf", png=".png"),
    log:
        "<logs>/figure14.log",
    benchmark:
        "<benchmarks>/figure14.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        figure="figure14",
        code=fingerprint("scripts/figure.py", "figures", "figure14"),
    message:
        "Figure 14: a poisoned extractor, the mean, and HP as it is"
    script:
        "../scripts/figure.py"


rule effects:
    input:
        head=f"<results>/heads/{CELL}.safetensors",
        test=features_of("{dataset}/test"),
        triggered=features_of("{dataset}/{attack}/seed={seed}/test"),
    output:
        effects=f"<results>/effects/{CELL}.safetensors",
    log:
        f"<logs>/effects/{CELL}.log",
    benchmark:
        f"<benchmarks>/effects/{CELL}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=6000,
        runtime=30,
    params:
        target_label=config["target_label"],
        code=fingerprint("scripts/effects.py"),
    message:
        "Every neuron removed alone: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/effects.py"


rule sensitivity_cell:
    input:
        head=f"<results>/heads/{CELL}.safetensors",
        train=features_of("{dataset}/train"),
        poisoned=features_of(ATTACKED),
        test=features_of("{dataset}/test"),
        triggered=features_of("{dataset}/{attack}/seed={seed}/test"),
    output:
        csv=f"<results>/sensitivity/{CELL}.csv",
    log:
        f"<logs>/sensitivity/{CELL}.log",
    benchmark:
        f"<benchmarks>/sensitivity/{CELL}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=6000,
        runtime=60,
    params:
        settings={k: FIGURES["sensitivity"][k] for k in ("epsilons", "alphas", "norms", "statistics", "counts")},
        target_label=config["target_label"],
        code=fingerprint("scripts/sensitivity_cell.py"),
    message:
        "HP over its settings: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/sensitivity_cell.py"


rule sensitivity:
    input:
        cells=cells(f"<results>/sensitivity/{CELL}.csv", FIGURES["sensitivity"]),
    output:
        csv="<results>/sensitivity.csv",
        pdf="<results>/figures/sensitivity.pdf",
        png="<results>/figures/sensitivity.png",
    log:
        "<logs>/sensitivity.log",
    benchmark:
        "<benchmarks>/sensitivity.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        code=fingerprint("scripts/sensitivity.py"),
    message:
        "HP over its settings, all cells"
    script:
        "../scripts/sensitivity.py"


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
