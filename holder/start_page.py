"""The page that a reader opens first: verdicts, tables, figures and how they were made; one file, no network."""

import base64
import html
import io
import json
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

from markdown_it import MarkdownIt
from PIL import Image

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
.holds { background: #d9efe3 } .fails { background: #f9dcd3 } summary { cursor: pointer; font-weight: bold }
"""

LARGEST = 1_500_000
"""Bytes of the page: Snakemake's report opens it from a data: address, and browsers refuse those above 2 MB."""

SCALES = (1.0, 0.75, 0.5, 0.35)
"""Of the figures, tried in this order until the page is small enough; the files themselves are beside it."""

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def page(title: str, notice: str, parts: list[tuple[str, str, str]]) -> str:
    """HTML from (anchor, heading, body) parts; `notice` stands above them all, as HTML."""
    links = "".join(f'<a href="#{anchor}">{heading}</a>' for anchor, heading, _ in parts)
    body = "".join(f'<section id="{anchor}"><h2>{heading}</h2>{text}</section>' for anchor, heading, text in parts)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style><link rel="icon" href="data:,">'
    top = f"<h1>{title}</h1>{notice}<nav>{links}</nav>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{top}{body}</body></html>\n'


def rendered(markdown: str) -> str:
    """Markdown as HTML, its headings two levels down, tables in a box that scrolls, verdicts coloured."""
    text = MARKDOWN.render(markdown)
    for level in (3, 2, 1):
        text = text.replace(f"<h{level}>", f"<h{level + 2}>").replace(f"</h{level}>", f"</h{level + 2}>")
    text = re.sub(r"<td>(holds|fails)\b", r'<td class="\1">\1', text)
    return text.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def folded(text: str, heading: str) -> str:
    """HTML whose section under a heading of rank 4 is folded away until it is clicked."""
    if f"<h4>{heading}</h4>" not in text:
        return text
    before, _, rest = text.partition(f"<h4>{heading}</h4>")
    inside, mark, after = rest.partition("<h4>")
    return f"{before}<details><summary>{heading}</summary>{inside}</details>{mark}{after}"


def figure(path: str | Path, said: str, scale: float = 1.0) -> str:
    """An image of a PNG file, as WebP in the page itself, above its caption."""
    data, image = io.BytesIO(), Image.open(path).convert("RGB")
    if scale < 1:
        image = image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)
    image.save(data, "WEBP", quality=75, method=6)
    data, text = base64.b64encode(data.getvalue()).decode(), html.escape(said)
    return f'<figure><img src="data:image/webp;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def in_short(claims: list[dict], averages: int, wrong: int) -> str:
    """What a reader should take along, from the rows of claims.csv and how many printed averages are wrong; HTML."""
    told = {r["id"]: r for r in reversed(claims) if r["value"]}
    printed = Counter(r["printed_verdict"] for r in claims)
    failed = list(dict.fromkeys(r["statement"] for r in claims if r["printed_verdict"] == "fails"))
    full = [r for r in claims if r["scale"] == "paper"]
    lines = [
        f"<b>The paper's own tables</b> bear out {printed['holds']} and contradict {printed['fails']} of the tests of "
        f"its claims; contradicted are, for example: {html.escape('; '.join(failed[:3]))}."
    ]
    lines.append(f"<b>Arithmetic:</b> {wrong} of {averages} printed averages do not follow from their rows.")
    if "hoelder-is-local" in told:
        lines.append(
            "<b>Hölder constant or weights?</b> The order in which HP prunes and that of the weights' L1 norm have "
            f"a rank correlation of {float(told['hoelder-is-local']['value']):.2f} here, a matter of algebra more than "
            "of scale."
        )
    if full:
        held = sum(r["verdict"] == "holds" for r in full)
        lines.append(f"<b>At the paper's scale</b> {held} of {len(full)} tests hold here.")
    else:
        lines.append(
            "<b>At the paper's scale</b> nothing was tested in this run: whether the paper's results can be had again "
            "is open. The verdicts below are about a smaller experiment."
        )
    return f"<h2>In short</h2><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def files(beside: list[str]) -> str:
    """Links to files in the page's own folder; HTML."""
    links = ", ".join(f'<a href="{name}">{name}</a>' for name in beside)
    return f"<p>Files beside this page: {links}.</p>"


def when() -> str:
    """Date, and commit of this checkout; HTML."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"
    except OSError:
        commit = "unknown (no git here)"
    return f"<p>Made on {time.strftime('%Y-%m-%d')}, commit {html.escape(commit)}.</p>"


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
    rows = [
        ("cells of tables", f"{len(cells)}"),
        ("their seeds", ", ".join(sorted({str(cell["seed"]) for cell in cells}))),
    ]
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
