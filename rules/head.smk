rule head:
    input:
        train=features_of("{dataset}/train"),
        poisoned=features_of(ATTACKED),
    output:
        head=f"<results>/heads/{CELL}.safetensors",
    log:
        f"<logs>/head/{CELL}.log",
    benchmark:
        f"<benchmarks>/head/{CELL}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=4000,
        runtime=30,
    params:
        settings=config["classifier"],
        code=fingerprint("scripts/head.py", "datasets", "dataset"),
    message:
        "Classifier on {wildcards.extractor} features: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/head.py"
