rule fetch_weights:
    output:
        weights="<data>/weights/{extractor}.safetensors",
    log:
        "<logs>/fetch_weights/{extractor}.log",
    benchmark:
        "<benchmarks>/fetch_weights/{extractor}.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=lambda w: extractor_settings(w.extractor, of_weights=True),
        sources=lambda w: registry.facts("extractors", w.extractor)["WEIGHTS"],
        code=fingerprint("scripts/fetch_weights.py"),
    message:
        "Weights of {wildcards.extractor}, hash checked"
    script:
        "../scripts/fetch_weights.py"


rule weights:
    input:
        expand("<data>/weights/{extractor}.safetensors", extractor=[e for e in WANTED_EXTRACTORS if not trained_on(e)]),
        expand(
            "<results>/images/{dataset}/{split}.safetensors",
            dataset=sorted({dataset for table in TABLES.values() for dataset, _, _ in attack_cells(table)}),
            split=["train", "test"],
        ),
    localrule: True
    message:
        "Everything that needs a network is in place"


# One rule for clean, poisoned and triggered images alike: a features file stands where its
# images file stands, under the extractor's name, so nothing is ever extracted twice.
rule features:
    input:
        images="<results>/images/{images}.safetensors",
        weights=weights_of,
    output:
        features="<results>/features/{extractor}/{images}.safetensors",
    log:
        "<logs>/features/{extractor}/{images}.log",
    benchmark:
        "<benchmarks>/features/{extractor}/{images}.jsonl"
    conda:
        "../envs/holder.yaml"
    resources:
        gpu=GPU,
        mem_mb=6000,
        runtime=60,
    params:
        settings=lambda w: extractor_settings(w.extractor, of_weights=False),
        code=fingerprint("scripts/features.py", "extractors", "extractor"),
    message:
        "Features: {wildcards.extractor} of {wildcards.images}"
    script:
        "../scripts/features.py"


# An extractor that was trained on poisoned images belongs to one cell, and so do its features.
use rule features as features_of_cell with:
    input:
        images="<results>/images/{images}.safetensors",
        weights=f"<results>/networks/{ATTACKED}.safetensors",
    output:
        features=f"<results>/features/{{extractor}}/of/{ATTACKED}/{{images}}.safetensors",
    log:
        f"<logs>/features/{{extractor}}/of/{ATTACKED}/{{images}}.log",
    benchmark:
        f"<benchmarks>/features/{{extractor}}/of/{ATTACKED}/{{images}}.jsonl"
