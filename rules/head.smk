rule head:
    input:
        train="<results>/features/{extractor}/{dataset}/train.safetensors",
        poisoned="<results>/features/{extractor}/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.safetensors",
    output:
        head="<results>/heads/{extractor}/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.safetensors",
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
    params:
        settings=config["classifier"],
        code=fingerprint("scripts/head.py", "datasets", "dataset"),
    message:
        "Classifier on {wildcards.extractor} features: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/head.py"
