rule prune:
    input:
        head=f"<results>/heads/{CELL}.safetensors",
        train=features_of("{dataset}/train"),
        poisoned=features_of(ATTACKED),
        test=features_of("{dataset}/test"),
        triggered=features_of("{dataset}/{attack}/seed={seed}/test"),
    output:
        metrics=f"<results>/pruned/{CELL}/{{defense}}/metrics.json",
        curve=f"<results>/pruned/{CELL}/{{defense}}/curve.safetensors",
    log:
        f"<logs>/prune/{CELL}/{{defense}}.log",
    benchmark:
        f"<benchmarks>/prune/{CELL}/{{defense}}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=6000,
        runtime=30,
    params:
        defense=lambda w: w.defense,
        settings=lambda w: settings(config, "defenses", w.defense),
        target_label=config["target_label"],
        code=fingerprint("scripts/prune.py", "defenses", "defense"),
    message:
        "{wildcards.defense}: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/prune.py"


# HP's settings are in the path: a changed ε or α makes new files beside the old ones.
use rule prune as prune_hp with:
    output:
        metrics=f"<results>/pruned/{CELL}/hp/{HP_SETTINGS}/metrics.json",
        curve=f"<results>/pruned/{CELL}/hp/{HP_SETTINGS}/curve.safetensors",
    log:
        f"<logs>/prune/{CELL}/hp/{HP_SETTINGS}.log",
    benchmark:
        f"<benchmarks>/prune/{CELL}/hp/{HP_SETTINGS}.jsonl"
    params:
        defense="hp",
        settings=lambda w: {key: type(value)(w[key]) for key, value in HP.items()},
        target_label=config["target_label"],
        code=fingerprint("scripts/prune.py", "defenses", "hp"),
    message:
        "hp, ε {wildcards.epsilon}, α {wildcards.alpha}: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
