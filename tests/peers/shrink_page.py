"""What shrinking a text detector without training costs: the overlap of its output with the dense one's, and what RapidOCR reads.

    pip install numpy pillow onnx onnxruntime rapidocr-onnxruntime==1.4.4
    cargo build --release -p prune-cli
    python tests/peers/shrink_page.py [--prune target/release/prune] [--page page.png]

The page is drawn here, in the font that Pillow brings. The detector gives each pixel the
probability that it is text; overlap is that of the pixels above RapidOCR's threshold of 0.3, shared by both over all of either. At
density 0.98, with counts as they are, RapidOCR must read the
lines that it reads with the dense detector, spaces aside, which it often leaves out.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from PIL import Image, ImageDraw, ImageFont
from shrink_models import shrink, source
from shrink_oracle import run

DENSITIES = [0.98, 0.95, 0.9, 0.8, 0.5]
THRESHOLD = 0.3
LINES = [
    "A network is smaller when whole channels",
    "leave it, with all that reads them.",
    "The engine knows of no zeros: it runs",
    "a dense model of another shape.",
    "Berlin 1874, Oslo 25.3, Kyoto 60",
    "Of each layer a share is kept, ranked",
    "by the norm of what it writes and reads.",
    "Without training this costs accuracy,",
    "and the more the less is kept.",
    "This page shows how much of the text",
    "the detector still finds.",
]


def page(side=640, zoom=1.0):
    """A page of text: the picture, and its lines from top to bottom."""
    picture = Image.new("RGB", (side, side), "white")
    pen, top = ImageDraw.Draw(picture), side // 20
    for number, line in enumerate(LINES):
        size = int((22 + 4 * (number % 3)) * zoom)
        pen.text((side // 20, top), line, "black", ImageFont.load_default(size))
        top += int(52 * zoom)
    return picture, LINES


def overlaps(prune, folder, densities=DENSITIES):
    """For each density the parameters left and the overlap."""
    model, shape = source("det")
    whole = folder / "page-det.onnx"
    onnx.save(model, whole)
    picture, _ = page(shape[2])
    # As RapidOCR gives it to the detector: channels in the order of OpenCV, from -1 to 1.
    x = (np.asarray(picture, np.float32)[:, :, ::-1] / 127.5 - 1).transpose(2, 0, 1)[None]
    dense = run(str(whole), np.ascontiguousarray(x))[0] > THRESHOLD
    if not dense.any():
        sys.exit("the dense detector finds no text on the page")
    rows = []
    for density in densities:
        small = folder / f"page-det-{density}.onnx"
        report, _ = shrink(prune, whole, small, ["--density", str(density), "--multiple", "1"])
        found = run(str(small), np.ascontiguousarray(x))[0] > THRESHOLD
        left = report["parameters_after"] / report["parameters_before"]
        rows.append((density, left, float((found & dense).sum() / (found | dense).sum()), small))
    return rows


def read(picture, detector=None):
    """The lines that RapidOCR reads, from top to bottom."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(det_model_path=str(detector)) if detector else RapidOCR()
    found, _ = engine(np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]))
    return [text.replace(" ", "") for box, text, _ in sorted(found or [], key=lambda line: (round(line[0][0][1] / 10), line[0][0][0]))]


def table(prune, folder):
    """Prints the overlaps and what is read; what failed."""
    print("| det, density | parameters left | overlap with the dense output on a page of text |\n|---|---|---|")
    rows = overlaps(prune, folder)
    for density, left, overlap, _ in rows:
        print(f"| {density} | {left:.3f} | {overlap:.3f} |", flush=True)
    picture, lines = page(960, 1.5)
    try:
        dense = read(picture)
    except ImportError as missing:
        print(f"\nRapidOCR does not run here: {missing}")
        return []
    found = read(picture, rows[0][3])
    right = sum(line.replace(" ", "") in dense for line in lines)
    print(f"\nRapidOCR on a page of {len(lines)} lines: {len(dense)} read with the dense detector, {right} of them as drawn;", end="")
    print(f" {len(found)} with the detector at density {rows[0][0]}, {sum(line in dense for line in found)} of them the same")
    if dense != found:
        return [f"RapidOCR reads another text with the detector at density {rows[0][0]}: {dense} and {found}"]
    return []


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--prune", default="target/release/prune", help="the command")
    options.add_argument("--page", type=pathlib.Path, help="where the page that RapidOCR reads is kept as a picture")
    options = options.parse_args()
    if options.page:
        page(960, 1.5)[0].save(options.page)
    with tempfile.TemporaryDirectory() as folder:
        failed = table(str(pathlib.Path(options.prune).resolve()), pathlib.Path(folder))
    for line in failed:
        print("FAILED:", line)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
