CELL = "{extractor}/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}"
HP_SETTINGS = "/".join(f"{key}={{{key}}}" for key in HP)


rule prune:
    message:
        "{wildcards.defense}: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    input:
        head=f"<results>/heads/{CELL}.safetensors",
        train="<results>/features/{extractor}/{dataset}/train.safetensors",
        poisoned="<results>/features/{extractor}/{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}.safetensors",
        test="<results>/features/{extractor}/{dataset}/test.safetensors",
        triggered="<results>/features/{extractor}/{dataset}/{attack}/seed={seed}/test.safetensors",
    output:
        metrics=f"<results>/pruned/{CELL}/{{defense}}/metrics.json",
        curve=f"<results>/pruned/{CELL}/{{defense}}/curve.safetensors",
    params:
        defense=lambda w: w.defense,
        settings=lambda w: settings(config, "defenses", w.defense),
        target_label=config["target_label"],
        code=fingerprint("scripts/prune.py", "defenses", "defense"),
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
    script:
        "../scripts/prune.py"


# HP's settings are in the path: a changed ε or α makes new files beside the old ones.
use rule prune as prune_hp with:
    message:
        "hp, ε {wildcards.epsilon}, α {wildcards.alpha}: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    output:
        metrics=f"<results>/pruned/{CELL}/hp/{HP_SETTINGS}/metrics.json",
        curve=f"<results>/pruned/{CELL}/hp/{HP_SETTINGS}/curve.safetensors",
    params:
        defense="hp",
        settings=lambda w: {key: type(value)(w[key]) for key, value in HP.items()},
        target_label=config["target_label"],
        code=fingerprint("scripts/prune.py", "defenses", "hp"),
    log:
        f"<logs>/prune/{CELL}/hp/{HP_SETTINGS}.log",
    benchmark:
        f"<benchmarks>/prune/{CELL}/hp/{HP_SETTINGS}.jsonl"


def pruned(kind, table=TABLE1):
    """Curve or metrics files of a table: the undefended column, its defenses and its controls."""
    folders = {"hp": "hp/" + HP_SETTINGS.format(**HP)}
    return [
        path
        for defense in ["none", *table["defenses"], *table["controls"]]
        for path in cells(f"<results>/pruned/{CELL}/{folders.get(defense, defense)}/{kind}", table)
    ]
