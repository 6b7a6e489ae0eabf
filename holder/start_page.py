"""The page that a reader opens first: verdicts, tables, figures and how they were made; one file, no network."""

import base64
import html
import json
from collections import Counter
from pathlib import Path

from markdown_it import MarkdownIt

from holder import registry
from holder.names import DATASETS

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 76rem; margin: 0 auto; padding: 1rem 1.5rem 4rem }
h1 { font-size: 1.7rem } h2 { margin-top: 3rem; border-bottom: 1px solid #ccc } h3 { margin-top: 2rem }
table { border-collapse: collapse; font-size: 12px; margin: 1rem 0 } .wide { overflow-x: auto }
th, td { border: 1px solid #ddd; padding: .25rem .5rem; text-align: left; vertical-align: top }
th { background: #f4f4f4 } figure { margin: 2rem 0 } img { max-width: 100%; height: auto }
figcaption { color: #555; max-width: 50rem } nav a { margin-right: 1.2rem } code { background: #f4f4f4 }
.notice { background: #fff4e0; border-left: 4px solid #e69f00; padding: .5rem 1rem }
"""

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def page(title: str, notice: str, parts: list[tuple[str, str, str]]) -> str:
    """HTML from (anchor, heading, body) parts; `notice` stands above them all, as HTML."""
    links = "".join(f'<a href="#{anchor}">{heading}</a>' for anchor, heading, _ in parts)
    body = "".join(f'<section id="{anchor}"><h2>{heading}</h2>{text}</section>' for anchor, heading, text in parts)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style><link rel="icon" href="data:,">'
    top = f"<h1>{title}</h1>{notice}<nav>{links}</nav>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{top}{body}</body></html>\n'


def rendered(markdown: str) -> str:
    """Markdown as HTML, its headings two levels down, tables in a box that scrolls."""
    text = MARKDOWN.render(markdown)
    for level in (3, 2, 1):
        text = text.replace(f"<h{level}>", f"<h{level + 2}>").replace(f"</h{level}>", f"</h{level + 2}>")
    return text.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def figure(path: str | Path, said: str) -> str:
    """An image of a PNG file, in the page itself, above its caption."""
    data = base64.b64encode(Path(path).read_bytes()).decode()
    text = html.escape(said)
    return f'<figure><img src="data:image/png;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def made_of(metrics: list[str]) -> str:
    """How the numbers were made, from the metrics files: sizes, devices, versions, hashes; HTML."""
    cells = [json.loads(Path(path).read_text(encoding="utf-8")) for path in metrics]
    devices = Counter(cell["device"] for cell in cells)
    versions = Counter(", ".join(f"{k} {v}" for k, v in cell["versions"].items()) for cell in cells)
    sizes = {cell["dataset"]: (cell["train_images"], cell["counts"]["clean"]) for cell in cells}
    hashes = {}
    for cell in cells:
        said = cell["sha256"]
        hashes[f"{DATASETS.get(cell['dataset'], cell['dataset'])}, training images"] = said["dataset"]["images"]
        if said.get("weights", {}).get("sha256"):
            hashes[f"weights of {cell['extractor']}"] = said["weights"]["sha256"]
    rows = [("cells", f"{len(cells)}"), ("seeds", ", ".join(sorted({str(cell["seed"]) for cell in cells})))]
    rows += [(DATASETS.get(d, d), f"{a:,} training and {b:,} test images") for d, (a, b) in sizes.items()]
    rows += [("device", f"{name} ({n} cells)") for name, n in devices.items()]
    rows += [("versions", f"{name} ({n} cells)") for name, n in versions.items()]
    rows += [(f"SHA-256, {name}", value) for name, value in sorted(hashes.items())]
    lines = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in rows)
    return f'<div class="wide"><table>{lines}</table></div>'


def times(folder: str | Path) -> str:
    """What the jobs took, rule by rule, from Snakemake's records of them (a job's last run); HTML."""
    spent = {}
    for path in Path(folder).rglob("*.jsonl"):
        try:
            job = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
            seconds = spent.setdefault(job["rule_name"], [])
            seconds.append((float(job["s"]), float(job["cpu_time"])))
        except (ValueError, KeyError, IndexError):  # NA for a job too short to be looked at, or a torn line
            continue
    rows = [(rule, len(jobs), *map(sum, zip(*jobs, strict=True))) for rule, jobs in spent.items() if jobs]
    rows.sort(key=lambda row: -row[3])
    rows.append(("all", *(sum(row[i] for row in rows) for i in (1, 2, 3))))
    cells = (
        f"<tr><td>{r}</td><td>{n}</td><td>{s / 60:,.1f}</td><td>{cpu / 60:,.1f}</td></tr>" for r, n, s, cpu in rows
    )
    head = "<tr><th>rule</th><th>jobs</th><th>minutes, added up over jobs</th><th>CPU minutes</th></tr>"
    return f'<h3>Times</h3><div class="wide"><table>{head}{"".join(cells)}</table></div>'


def notice(metrics: list[str]) -> str:
    """A box that says at which size the numbers were made; HTML."""
    cells = [json.loads(Path(path).read_text(encoding="utf-8")) for path in metrics]
    smaller = sorted(
        {
            f"{cell['train_images']:,} of {registry.facts('datasets', cell['dataset'])['TRAIN']:,} training images of "
            f"{DATASETS.get(cell['dataset'], cell['dataset'])}"
            for cell in cells
            if cell["train_images"] < registry.facts("datasets", cell["dataset"])["TRAIN"]
        }
    )
    if not smaller:
        return '<p class="notice">All training images were used. Networks and extractors: see the verdicts.</p>'
    return (
        f'<p class="notice">This is a small version: {"; ".join(smaller)}, and smaller networks and extractors. Its '
        "numbers say what happens at this size; they are no evidence for or against the paper's.</p>"
    )
