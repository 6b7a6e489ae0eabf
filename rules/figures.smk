FIGURE13 = {**FIGURES["figure13"], "seeds": [SEED]}
POISONED_EXTRACTOR = {**FIGURES["figure14"], "extractors": ["backdoored"]}
DRAWN_FROM = {
    name: drawn_from(name, *shown)
    for name, shown in {
        "figure5": [(FIGURES["figure5"], hp_folder() if d == "hp" else d) for d in FIGURES["figure5"]["defenses"]],
        "figure6": at_every_epsilon("figure6"),
        "figure12": [(FIGURES["figure12"], "none"), *at_every_epsilon("figure12")],
        "figure13": [(FIGURE13, hp_folder())],
        "figure14": [
            *((grid, folder) for grid in (POISONED_EXTRACTOR, FIGURES["figure14"]) for folder in ("none", hp_folder())),
            (FIGURES["figure14"], hp_folder(statistic="mean")),
        ],
    }.items()
}


rule figure:
    input:
        unpack(lambda w: DRAWN_FROM[w.figure]),
    output:
        multiext("<results>/figures/{figure}", pdf=".pdf", png=".png"),
    log:
        "<logs>/{figure}.log",
    benchmark:
        "<benchmarks>/{figure}.jsonl"
    wildcard_constraints:
        figure="figure5|figure6|figure12|figure14",
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        figure=lambda w: w.figure,
        code=lambda w: fingerprint("scripts/figure.py", "figures", w.figure),
    message:
        "{wildcards.figure}"
    script:
        "../scripts/figure.py"


use rule figure as figure13 with:
    input:
        unpack(lambda w: DRAWN_FROM["figure13"]),
        effects=cells(f"<results>/effects/{CELL}.safetensors", FIGURE13),
    output:
        multiext("<results>/figures/figure13", pdf=".pdf", png=".png"),
    log:
        "<logs>/figure13.log",
    benchmark:
        "<benchmarks>/figure13.jsonl"
    params:
        figure="figure13",
        code=fingerprint("scripts/figure.py", "figures", "figure13"),
    message:
        "figure13"


use rule figure as table_curves with:
    input:
        made_of=lambda w: MADE_OF[w.table],
        metrics=lambda w: table_files("metrics.json", w.table),
        curves=lambda w: table_files("curve.safetensors", w.table),
    output:
        multiext("<results>/figures/{table}_curves", pdf=".pdf", png=".png"),
    log:
        "<logs>/{table}_curves.log",
    benchmark:
        "<benchmarks>/{table}_curves.jsonl"
    params:
        figure="curves",
        code=fingerprint("scripts/figure.py", "figures", "curves"),
    message:
        "ACC and ASR against pruned neurons, every cell of {wildcards.table}"


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
