rule fit_attack:
    message:
        "What {wildcards.attack} learns or draws on {wildcards.dataset}, seed {wildcards.seed}"
    input:
        train="<results>/images/{dataset}/train.safetensors",
    output:
        fitted="<results>/attacks/{dataset}/{attack}/seed={seed}.safetensors",
    params:
        settings=lambda w: settings(config, "attacks", w.attack),
        code=fingerprint("scripts/fit_attack.py", "attacks", "attack"),
    log:
        "<logs>/fit_attack/{dataset}/{attack}/seed={seed}.log",
    benchmark:
        "<benchmarks>/fit_attack/{dataset}/{attack}/seed={seed}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    script:
        "../scripts/fit_attack.py"


rule trigger_test:
    message:
        "Test images of {wildcards.dataset} with the trigger of {wildcards.attack}, seed {wildcards.seed}"
    input:
        test="<results>/images/{dataset}/test.safetensors",
        fitted="<results>/attacks/{dataset}/{attack}/seed={seed}.safetensors",
    output:
        images="<results>/images/{dataset}/{attack}/seed={seed}/test.safetensors",
    params:
        settings=lambda w: settings(config, "attacks", w.attack),
        target_label=config["target_label"],
        code=fingerprint("scripts/trigger_test.py", "attacks", "attack"),
    log:
        "<logs>/trigger_test/{dataset}/{attack}/seed={seed}.log",
    benchmark:
        "<benchmarks>/trigger_test/{dataset}/{attack}/seed={seed}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    script:
        "../scripts/trigger_test.py"


rule poison:
    message:
        "Poisoned training images: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    input:
        train="<results>/images/{dataset}/train.safetensors",
        fitted="<results>/attacks/{dataset}/{attack}/seed={seed}.safetensors",
    output:
        images="<results>/images/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.safetensors",
    params:
        settings=lambda w: settings(config, "attacks", w.attack),
        target_label=config["target_label"],
        code=fingerprint("scripts/poison.py", "attacks", "attack"),
    log:
        "<logs>/poison/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.log",
    benchmark:
        "<benchmarks>/poison/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    script:
        "../scripts/poison.py"
