"""How tables and figures call things: the paper's names, in the order of its rows and columns."""

TITLES = {
    1: "Hölder Pruning (HP) against pruning baselines",
    2: "Hölder Iteration Defense (HID) against end-to-end defenses",
    3: "HP on different feature extractors",
    4: "run times by stage",
    5: "HID at three poison rates",
    6: "HP against pruning baselines at lower poison rates",
    7: "HID against end-to-end defenses at lower poison rates",
    8: "HID against defenses that are given clean data",
}

ATTACKS = {
    "badnets": "BadNets",
    "lc": "LC",
    "sig": "SIG",
    "lf": "LF",
    "wanet": "WaNet",
    "inputaware": "Input-aware",
    "ssba": "SSBA",
    "trojan": "Trojan",
    "bpp": "BppAttack",
    "average": "Average",
}
"""The paper's names, in the order of its rows."""

DEFENSES = {
    "none": "Undefended",
    "fp": "FP",
    "anp": "ANP",
    "abl": "ABL",
    "clp": "CLP",
    "fmp": "FMP",
    "dbd": "DBD",
    "dst": "D-ST",
    "nc": "NC",
    "ibau": "i-BAU",
    "dbr": "D-BR",
    "sau": "SAU",
    "hid": "HID",
    "hp": "HP",
}
CONTROLS = {"l1norm": "‖w‖₁ order", "random": "random order"}
EXTRACTORS = {
    "simclr": "SimCLR",
    "resnet18": "ResNet-18",
    "vit": "ViT",
    "align": "ALIGN",
    "clip": "CLIP",
    "blip2": "BLIP-2",
    "mobilenetv2": "MobileNetV2",
    "mobilenetv3": "MobileNetV3-Small",
    "efficientnet_lite0": "EfficientNet-Lite0",
    "backdoored": "poisoned PreAct-ResNet18",
    "preactresnet18": "PreAct-ResNet18",
}
"""The six of Table 3 in its order, then others."""

DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "gtsrb": "GTSRB"}

NETWORKS = ("benign", "network")
"""Models of Figures 4 and 15 without a frozen extractor: a clean and a backdoored PreAct-ResNet18."""

END_TO_END = "preactresnet18"
"""What stands for the extractor where a whole network is trained."""
