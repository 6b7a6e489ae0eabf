rule attacks:
    input:
        test=[f"<results>/images/{d}/test.safetensors" for d, _, _ in attack_cells()],
        train=[f"<results>/images/{d}/train.safetensors" for d, _, _ in attack_cells()],
        triggered=[f"<results>/images/{d}/{a}/seed={SEED}/test.safetensors" for d, a, _ in attack_cells()],
        overlay=[f"<results>/images/{d}/{a}/seed={SEED}/poison_rate={r:g}.safetensors" for d, a, r in attack_cells()],
        features=[f"<results>/features/{TABLE1['extractors'][0]}/{d}/test.safetensors" for d, _, _ in attack_cells()],
        triggered_features=[
            f"<results>/features/{TABLE1['extractors'][0]}/{d}/{a}/seed={SEED}/test.safetensors"
            for d, a, _ in attack_cells()
        ],
    output:
        attacks="<results>/attacks.csv",
        table9="<results>/table9.csv",
    log:
        "<logs>/attacks.log",
    benchmark:
        "<benchmarks>/attacks.jsonl"
    localrule: True
    conda:
        "../envs/holder.yaml"
    params:
        cells=attack_cells(),
        printed=content_hash("config/criteria.csv"),
        code=fingerprint("scripts/attacks.py"),
    message:
        "Attack cards and Table 9"
    script:
        "../scripts/attacks.py"
