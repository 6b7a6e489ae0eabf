# What the figures show that no table needs: embeddings, and predictions for moved images.
rule embed_classifier:
    input:
        head=f"<results>/heads/{CELL}.safetensors",
        test=features_of("{dataset}/test"),
        triggered=features_of("{dataset}/{attack}/seed={seed}/test"),
        metrics=f"<results>/pruned/{CELL}/fp/metrics.json",
        curve=f"<results>/pruned/{CELL}/fp/curve.safetensors",
    output:
        embedding=f"<results>/embeddings/{CELL}.safetensors",
    log:
        f"<logs>/embed_classifier/{CELL}.log",
    benchmark:
        f"<benchmarks>/embed_classifier/{CELL}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        target_label=config["target_label"],
        code=fingerprint("scripts/embed_classifier.py"),
    message:
        "t-SNE of the classifier on {wildcards.extractor} features: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/embed_classifier.py"


rule embed_round:
    input:
        state=f"<results>/hid/{ATTACKED}/variant={{variant}}/round={{round}}.safetensors",
        report=f"<results>/hid/{ATTACKED}/variant={{variant}}/round={{round}}.json",
    output:
        embedding=f"<results>/embeddings/hid/{ATTACKED}/variant={{variant}}/round={{round}}.safetensors",
    log:
        f"<logs>/embed_round/{ATTACKED}/variant={{variant}}/round={{round}}.log",
    benchmark:
        f"<benchmarks>/embed_round/{ATTACKED}/variant={{variant}}/round={{round}}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        target_label=config["target_label"],
        code=fingerprint("scripts/embed_round.py"),
    message:
        "t-SNE before round {wildcards.round} of HID ({wildcards.variant}): {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/embed_round.py"


rule perturb:
    input:
        unpack(model_of),
        poisoned=f"<results>/images/{ATTACKED}.safetensors",
        test="<results>/images/{dataset}/test.safetensors",
        triggered="<results>/images/{dataset}/{attack}/seed={seed}/test.safetensors",
    output:
        predictions=f"<results>/perturbed/{{model}}/{ATTACKED}.safetensors",
    log:
        f"<logs>/perturb/{{model}}/{ATTACKED}.log",
    benchmark:
        f"<benchmarks>/perturb/{{model}}/{ATTACKED}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=8000,
        runtime=30,
    params:
        settings=config["perturbation"],
        extractor=lambda w: {} if w.model in NETWORKS else extractor_settings(w.model, of_weights=False),
        target_label=config["target_label"],
        code=lambda w: code_of_model(w.model),
    message:
        "Moved images under the {wildcards.model} model: {wildcards.dataset}, {wildcards.attack} at {wildcards.poison_rate}, seed {wildcards.seed}"
    script:
        "../scripts/perturb.py"
