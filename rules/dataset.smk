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
