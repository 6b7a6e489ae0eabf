rule figure_curves:
    message:
        "Figure: ACC and ASR against pruned neurons"
    localrule: True
    input:
        metrics=pruned("metrics.json"),
        curves=pruned("curve.safetensors"),
    output:
        multiext("<results>/figures/table1_curves", pdf=".pdf", png=".png"),
    params:
        code=fingerprint("scripts/figure_curves.py"),
    log:
        "<logs>/figure_curves.log",
    benchmark:
        "<benchmarks>/figure_curves.jsonl"
    conda:
        "../envs/holder.yaml"
    script:
        "../scripts/figure_curves.py"


def shown_attacks():
    """Dataset of the table's first block and every attack that the table tries on it, in order."""
    dataset = TABLE1["grid"][0]["dataset"]
    blocks = [block["attacks"] for block in TABLE1["grid"] if block["dataset"] == dataset]
    return dataset, list(dict.fromkeys(attack for attacks in blocks for attack in attacks))


rule figure16:
    message:
        "Figure 16: one image under every trigger"
    localrule: True
    input:
        test=f"<results>/images/{shown_attacks()[0]}/test.safetensors",
        triggered=[
            f"<results>/images/{shown_attacks()[0]}/{attack}/seed={config['seeds'][0]}/test.safetensors"
            for attack in shown_attacks()[1]
        ],
    output:
        multiext("<results>/figures/figure16", pdf=".pdf", png=".png"),
    params:
        attacks=shown_attacks()[1],
        image=10,
        code=fingerprint("scripts/figure16.py"),
    log:
        "<logs>/figure16.log",
    benchmark:
        "<benchmarks>/figure16.jsonl"
    conda:
        "../envs/holder.yaml"
    script:
        "../scripts/figure16.py"
