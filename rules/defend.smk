# D-ST and D-BR share the split of the training images.
rule split:
    input:
        train="<results>/images/{dataset}/train.safetensors",
        poisoned=f"<results>/images/{ATTACKED}.safetensors",
    output:
        split=f"<results>/splits/{ATTACKED}.safetensors",
    log:
        f"<logs>/split/{ATTACKED}.log",
    benchmark:
        f"<benchmarks>/split/{ATTACKED}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=8000,
        runtime=120,
    params:
        settings=config["split"],
        width=config["network"]["width"],
        code=fingerprint("scripts/split.py", "datasets", "dataset"),
    message:
        "Sample split by feature consistency: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/split.py"


rule defend:
    input:
        unpack(needed_by_defense),
        train="<results>/images/{dataset}/train.safetensors",
        poisoned=f"<results>/images/{ATTACKED}.safetensors",
        test="<results>/images/{dataset}/test.safetensors",
        triggered="<results>/images/{dataset}/{attack}/seed={seed}/test.safetensors",
    output:
        metrics=f"<results>/defended/{ATTACKED}/{{network_defense}}/metrics.json",
    log:
        f"<logs>/defend/{ATTACKED}/{{network_defense}}.log",
    benchmark:
        f"<benchmarks>/defend/{ATTACKED}/{{network_defense}}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=8000,
        runtime=480,
    params:
        settings=lambda w: settings(config, "network_defenses", w.network_defense),
        width=config["network"]["width"],
        target_label=config["target_label"],
        code=fingerprint("scripts/defend.py", "network_defenses", "network_defense"),
    message:
        "{wildcards.network_defense} on a whole network: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/defend.py"


# A round of HID is a job of its own: it begins with the network of the round before, the first with SimCLR's.
rule hid_round:
    input:
        before=lambda w: before_hid_round(w),
        train="<results>/images/{dataset}/train.safetensors",
        poisoned=f"<results>/images/{ATTACKED}.safetensors",
        test="<results>/images/{dataset}/test.safetensors",
        triggered="<results>/images/{dataset}/{attack}/seed={seed}/test.safetensors",
    output:
        state=f"<results>/hid/{ATTACKED}/variant={{variant}}/round={{round}}.safetensors",
        report=f"<results>/hid/{ATTACKED}/variant={{variant}}/round={{round}}.json",
    log:
        f"<logs>/hid/{ATTACKED}/variant={{variant}}/round={{round}}.log",
    benchmark:
        f"<benchmarks>/hid/{ATTACKED}/variant={{variant}}/round={{round}}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=8000,
        runtime=120,
    params:
        settings=lambda w: round_settings(int(w.round)),
        pruned=lambda w: 0 if w.variant == "no_pruning" else config["hid"]["pruned"][min(int(w.round), HID_ROUNDS) - 1],
        target_label=config["target_label"],
        code=fingerprint("scripts/hid_round.py", "datasets", "dataset"),
    message:
        "HID, round {wildcards.round} ({wildcards.variant}): {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/hid_round.py"


rule hid:
    input:
        state=f"<results>/hid/{ATTACKED}/variant=paper/round={HID_ROUNDS}.safetensors",
        reports=[f"<results>/hid/{ATTACKED}/variant=paper/round={r}.json" for r in range(1, HID_ROUNDS + 1)],
        poisoned=f"<results>/images/{ATTACKED}.safetensors",
    output:
        metrics=f"<results>/defended/{ATTACKED}/hid/metrics.json",
    log:
        f"<logs>/hid/{ATTACKED}/metrics.log",
    benchmark:
        f"<benchmarks>/hid/{ATTACKED}/metrics.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        settings=config["hid"],
        target_label=config["target_label"],
        code=fingerprint("scripts/hid.py"),
    message:
        "HID: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/hid.py"
