rule network:
    input:
        train="<results>/images/{dataset}/train.safetensors",
        poisoned=f"<results>/images/{ATTACKED}.safetensors",
        test="<results>/images/{dataset}/test.safetensors",
        triggered="<results>/images/{dataset}/{attack}/seed={seed}/test.safetensors",
    output:
        network=f"<results>/networks/{ATTACKED}.safetensors",
    log:
        f"<logs>/network/{ATTACKED}.log",
    benchmark:
        f"<benchmarks>/network/{ATTACKED}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=8000,
        runtime=240,
    params:
        settings=config["network"],
        target_label=config["target_label"],
        code=fingerprint("scripts/network.py", "datasets", "dataset"),
    message:
        "PreAct-ResNet18 on poisoned images: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/network.py"


rule simclr:
    input:
        train="<results>/images/{dataset}/train.safetensors",
    output:
        network="<results>/simclr/{dataset}/clean.safetensors",
    log:
        "<logs>/simclr/{dataset}/clean.log",
    benchmark:
        "<benchmarks>/simclr/{dataset}/clean.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=8000,
        runtime=480,
    params:
        settings=config["simclr"],
        code=fingerprint("scripts/simclr.py", "datasets", "dataset"),
    message:
        "SimCLR on the clean images of {wildcards.dataset}"
    script:
        "../scripts/simclr.py"


# DBD and HID begin with SimCLR on the poisoned images.
use rule simclr as simclr_poisoned with:
    input:
        train="<results>/images/{dataset}/train.safetensors",
        poisoned=f"<results>/images/{ATTACKED}.safetensors",
    output:
        network=f"<results>/simclr/{ATTACKED}.safetensors",
    log:
        f"<logs>/simclr/{ATTACKED}.log",
    benchmark:
        f"<benchmarks>/simclr/{ATTACKED}.jsonl"
    message:
        "SimCLR on poisoned images: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
