rule head:
    message:
        "Classifier on {wildcards.extractor} features: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    input:
        train="<results>/features/{extractor}/{dataset}/train.safetensors",
        poisoned="<results>/features/{extractor}/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.safetensors",
    output:
        head="<results>/heads/{extractor}/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.safetensors",
    params:
        settings=config["classifier"],
        code=fingerprint("scripts/head.py"),
    log:
        "<logs>/head/{extractor}/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.log",
    benchmark:
        "<benchmarks>/head/{extractor}/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=4000,
        runtime=30,
    script:
        "../scripts/head.py"
