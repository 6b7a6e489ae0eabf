rule surrogate:
    input:
        train="<results>/images/{dataset}/train.safetensors",
        test="<results>/images/{dataset}/test.safetensors",
    output:
        network="<results>/surrogates/{dataset}/{surrogate}.safetensors",
    log:
        "<logs>/surrogate/{dataset}/{surrogate}.log",
    benchmark:
        "<benchmarks>/surrogate/{dataset}/{surrogate}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=8000,
        runtime=240,
    params:
        settings=config["surrogate"],
        code=fingerprint("scripts/surrogate.py", "datasets", "dataset"),
    message:
        "Clean {wildcards.surrogate} surrogate on {wildcards.dataset}"
    script:
        "../scripts/surrogate.py"


rule fit_attack:
    input:
        train="<results>/images/{dataset}/train.safetensors",
        surrogate=surrogate_of,
    output:
        fitted="<results>/attacks/{dataset}/{attack}/seed={seed}.safetensors",
    log:
        "<logs>/fit_attack/{dataset}/{attack}/seed={seed}.log",
    benchmark:
        "<benchmarks>/fit_attack/{dataset}/{attack}/seed={seed}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=lambda w: GPU if registry.facts("attacks", w.attack).get("TRAINED") else 0,
        mem_mb=8000,
        runtime=240,
    params:
        settings=lambda w: attack_settings(w.attack, "fit"),
        target_label=config["target_label"],
        facts=lambda w: {"CLASSES": 0, "FLIP": False, **registry.facts("datasets", w.dataset)},
        code=fingerprint("scripts/fit_attack.py", "attacks", "attack"),
    message:
        "What {wildcards.attack} learns or draws on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/fit_attack.py"


rule trigger_test:
    input:
        test="<results>/images/{dataset}/test.safetensors",
        fitted="<results>/attacks/{dataset}/{attack}/seed={seed}.safetensors",
    output:
        images="<results>/images/{dataset}/{attack}/seed={seed}/test.safetensors",
    log:
        "<logs>/trigger_test/{dataset}/{attack}/seed={seed}.log",
    benchmark:
        "<benchmarks>/trigger_test/{dataset}/{attack}/seed={seed}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=lambda w: attack_settings(w.attack, "apply"),
        target_label=config["target_label"],
        code=fingerprint("scripts/trigger_test.py", "attacks", "attack"),
    message:
        "Test images of {wildcards.dataset} with the trigger of {wildcards.attack}, seed {wildcards.seed}"
    script:
        "../scripts/trigger_test.py"


rule poison:
    input:
        train="<results>/images/{dataset}/train.safetensors",
        fitted="<results>/attacks/{dataset}/{attack}/seed={seed}.safetensors",
    output:
        images="<results>/images/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.safetensors",
    log:
        "<logs>/poison/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.log",
    benchmark:
        "<benchmarks>/poison/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=lambda w: attack_settings(w.attack, "apply", "poison", "cover"),
        target_label=config["target_label"],
        code=fingerprint("scripts/poison.py", "attacks", "attack"),
    message:
        "Poisoned training images: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/poison.py"
