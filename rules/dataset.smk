rule dataset:
    output:
        train="<results>/images/{dataset}/train.safetensors",
        test="<results>/images/{dataset}/test.safetensors",
    log:
        "<logs>/dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/dataset/{dataset}.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=lambda w: settings(config, "datasets", w.dataset),
        cache=lambda w: f"{config['data']}/{w.dataset}",
        code=fingerprint("scripts/dataset.py", "datasets", "dataset"),
    message:
        "Images of {wildcards.dataset}: canonical arrays, hash checked"
    script:
        "../scripts/dataset.py"


# The same for every defense that is given clean data.
rule clean_data:
    input:
        train="<results>/images/{dataset}/train.safetensors",
    output:
        clean_data="<results>/clean_data/{dataset}/seed={seed}.safetensors",
    log:
        "<logs>/clean_data/{dataset}/seed={seed}.log",
    benchmark:
        "<benchmarks>/clean_data/{dataset}/seed={seed}.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=config["clean_data"],
        code=fingerprint("scripts/clean_data.py"),
    message:
        "Clean data for the defenses that need some: {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/clean_data.py"
