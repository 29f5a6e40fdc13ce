"""Draws what shrink.py measured: parameters and time of each model, before and after.

    python tests/peers/shrink.py --rows det,rec,cls --results results.json
    python tests/peers/shrink_picture.py results.json docs/shrink.png

The bars of a model are shares of what it was; the figures beside them are what was measured, with one thread.
"""

import argparse
import json
import pathlib
import sys

from PIL import Image, ImageDraw, ImageFont

NAMES = {"det": "PP-OCRv4 text detector", "rec": "PP-OCRv4 recogniser", "cls": "PP-OCR classifier"}
BEFORE, AFTER, TEXT, SOFT = "#c3c8d1", "#1f77b4", "#20242c", "#5b6472"
LEFT, TOP, ROW, BAR, WIDTH, GAP = 250, 88, 84, 24, 360, 150


def draw(rows):
    """A picture of rows: name, parameters before and after, milliseconds before and after."""
    picture = Image.new("RGB", (LEFT + 2 * (WIDTH + GAP), TOP + ROW * len(rows)), "white")
    pen = ImageDraw.Draw(picture)
    font = {size: ImageFont.load_default(size) for size in (17, 19, 22)}
    heads = ("parameters", "time per image in ONNX Runtime, one thread")
    for panel, head in enumerate(heads):
        pen.text((LEFT + panel * (WIDTH + GAP), 20), head, TEXT, font[22], anchor="lt")
    x = LEFT
    for colour, label in ((BEFORE, "as in its wheel"), (AFTER, "half of the channels and heads kept, no retraining")):
        pen.rectangle((x, 54, x + 16, 70), colour)
        pen.text((x + 24, 62), label, SOFT, font[17], anchor="lm")
        x += 60 + int(pen.textlength(label, font[17]))
    for number, (name, parameters, times) in enumerate(rows):
        top = TOP + 8 + number * ROW
        pen.text((LEFT - 16, top + BAR), name, TEXT, font[19], anchor="rm")
        for panel, (before, after) in enumerate((parameters, times)):
            left = LEFT + panel * (WIDTH + GAP)
            if panel == 1:
                shown = [f"{n:.1f} ms" if before >= 10 else f"{n:.2f} ms" for n in (before, after)]
            elif before >= 1e6:
                shown = [f"{n / 1e6:.2f} million" for n in (before, after)]
            else:
                shown = [f"{n / 1e3:.0f} thousand" for n in (before, after)]
            for bar, (value, label, colour) in enumerate(zip((before, after), shown, (BEFORE, AFTER), strict=True)):
                y = top + bar * BAR
                pen.rectangle((left, y, left + WIDTH * value / before, y + BAR - 3), colour)
                inside = bar == 0
                x = left + WIDTH * value / before + (-8 if inside else 8)
                pen.text((x, y + BAR / 2 - 1), label, TEXT, font[17], anchor="rm" if inside else "lm")
    return picture


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("results", type=pathlib.Path, help="what shrink.py --results wrote")
    options.add_argument("picture", type=pathlib.Path, help="a PNG")
    options = options.parse_args()
    rows = []
    for result in json.loads(options.results.read_text()):
        if result["label"] == "1" and "times 1" in result:
            before, after, _ = result["times 1"]
            parameters = (result["parameters"], result["parameters"] * result["left"])
            rows.append((NAMES.get(result["model"], result["model"]), parameters, (before, after)))
    if not rows:
        sys.exit(f"{options.results} has no times: run shrink.py without --no-times")
    draw(rows).quantize(32).save(options.picture, optimize=True)


if __name__ == "__main__":
    main()
