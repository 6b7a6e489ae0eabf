rule dataset:
    message:
        "Images of {wildcards.dataset}: canonical arrays, hash checked"
    localrule: True
    output:
        train="<results>/images/{dataset}/train.safetensors",
        test="<results>/images/{dataset}/test.safetensors",
    params:
        settings=lambda w: settings(config, "datasets", w.dataset),
        cache=lambda w: f"{config['data']}/{w.dataset}",
        code=fingerprint("scripts/dataset.py", "datasets", "dataset"),
    log:
        "<logs>/dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/dataset/{dataset}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    script:
        "../scripts/dataset.py"
