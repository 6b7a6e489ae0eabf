FIGURE13 = one_seed(FIGURES["figure13"])
EMBEDDED = f"<results>/embeddings/hid/{ATTACKED}/variant={{variant}}/round={{round}}.safetensors"
REPORTED = f"<results>/hid/{ATTACKED}/variant={{variant}}/round={{round}}.json"
PERTURBED = f"<results>/perturbed/{{model}}/{ATTACKED}.safetensors"
LAST_LOOK = HID_ROUNDS + 1
DRAWN_FROM = {
    "figure1": drawn_from(
        "figure1",
        arrays=[
            path
            for grid in poisoned_first("figure1")
            for path in cells(f"<results>/embeddings/{CELL}.safetensors", one_seed(grid))
        ],
    ),
    "figure4": drawn_from(
        "figure4",
        arrays=[path for model in NETWORKS for path in cells(PERTURBED, one_seed(FIGURES["figure4"]), model=model)],
    ),
    "figure5": drawn_from(
        "figure5", [(FIGURES["figure5"], hp_folder() if d == "hp" else d) for d in FIGURES["figure5"]["defenses"]]
    ),
    "figure6": drawn_from("figure6", at_every_epsilon("figure6")),
    "figure7": drawn_from("figure7", arrays=rounds_of(one_seed(FIGURES["figure7"]), EMBEDDED, rounds=(1, LAST_LOOK))),
    "figure8": drawn_from("figure8", arrays=rounds_of(one_seed(FIGURES["figure7"]), EMBEDDED, rounds=(1, LAST_LOOK))),
    "figure9": drawn_from("figure9", [(grid, "fp") for grid in poisoned_first("figure9")]),
    "figure10": drawn_from("figure10", reports=rounds_of(FIGURES["figure10"], REPORTED, VARIANTS)),
    "figure11": drawn_from("figure11", arrays=rounds_of(one_seed(FIGURES["figure11"]), EMBEDDED)),
    "figure12": drawn_from("figure12", [(FIGURES["figure12"], "none"), *at_every_epsilon("figure12")]),
    "figure13": drawn_from("figure13", [(FIGURE13, hp_folder())]),
    "figure14": drawn_from(
        "figure14",
        [
            *((grid, folder) for grid in poisoned_first("figure14") for folder in ("none", hp_folder())),
            (FIGURES["figure14"], hp_folder(statistic="mean")),
        ],
    ),
    "figure15": drawn_from(
        "figure15",
        arrays=[
            path
            for model in ("network", *FIGURES["figure15"]["extractors"])
            for path in cells(PERTURBED, one_seed(FIGURES["figure15"]), model=model)
        ],
    ),
}


rule figure:
    input:
        unpack(lambda w: DRAWN_FROM[w.figure]),
    output:
        pdf="<results>/figures/{figure}.pdf",
        png=report(
            "<results>/figures/{figure}.png",
            caption="../report/caption.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "<logs>/{figure}.log",
    benchmark:
        "<benchmarks>/{figure}.jsonl"
    wildcard_constraints:
        figure="|".join(name for name in DRAWN_FROM if name != "figure13"),
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        figure=lambda w: w.figure,
        caption=lambda w: registry.caption(w.figure),
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
        pdf="<results>/figures/figure13.pdf",
        png=report(
            "<results>/figures/figure13.png",
            caption="../report/caption.rst",
            category="Figures",
            labels={"figure": "figure13"},
        ),
    log:
        "<logs>/figure13.log",
    benchmark:
        "<benchmarks>/figure13.jsonl"
    params:
        figure="figure13",
        caption=registry.caption("figure13"),
        code=fingerprint("scripts/figure.py", "figures", "figure13"),
    message:
        "figure13"


use rule figure as table_curves with:
    input:
        made_of=lambda w: MADE_OF[w.table],
        metrics=lambda w: table_files("metrics.json", w.table),
        curves=lambda w: table_files("curve.safetensors", w.table),
    output:
        pdf="<results>/figures/{table}_curves.pdf",
        png=report(
            "<results>/figures/{table}_curves.png",
            caption="../report/caption.rst",
            category="Figures",
            labels={"figure": "{table}_curves"},
        ),
    log:
        "<logs>/{table}_curves.log",
    benchmark:
        "<benchmarks>/{table}_curves.jsonl"
    params:
        figure="curves",
        caption=lambda w: f"{title(w.table)}. {registry.caption('curves')}",
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
        png=report(
            "<results>/figures/sensitivity.png",
            caption="../report/caption.rst",
            category="Figures",
            labels={"figure": "sensitivity"},
        ),
    log:
        "<logs>/sensitivity.log",
    benchmark:
        "<benchmarks>/sensitivity.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        caption=registry.caption("sensitivity"),
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
        pdf="<results>/figures/figure16.pdf",
        png=report(
            "<results>/figures/figure16.png",
            caption="../report/caption.rst",
            category="Figures",
            labels={"figure": "figure16"},
        ),
    log:
        "<logs>/figure16.log",
    benchmark:
        "<benchmarks>/figure16.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        attacks=shown_attacks()[1],
        image=0,
        caption=registry.caption("figure16"),
        code=fingerprint("scripts/figure16.py"),
    message:
        "Figure 16: one image under every trigger"
    script:
        "../scripts/figure16.py"
