#!/usr/bin/env python3
"""Draws the first chart of a comparison again from its summary.csv: python3 redraw.py summary.csv chart.svg"""
import csv
import sys
from xml.sax.saxutils import escape

summary, chart = sys.argv[1:3]
with open(summary, newline="") as file:
    lines = [line for line in csv.DictReader(file) if line["quantity"] == "capacity_per_s" and line["at_full_pace"]]
lines.sort(key=lambda line: -float(line["at_full_pace"]))
per_pixel = max(float(line["high"]) for line in lines) / 400
parts = []
for row, line in enumerate(lines):
    value, low, high = (float(line[name]) / per_pixel for name in ("at_full_pace", "low", "high"))
    sign = "≥ " if line["standing"] == "at-least" else ""
    parts.append(f'<text x="165" y="{22 * row + 16}" text-anchor="end">{escape(line["contestant"])}</text>')
    parts.append(f'<rect x="170" y="{22 * row + 4}" width="{value:.1f}" height="14" fill="#0b6bcb"/>')
    parts.append(f'<path d="M{170 + low:.1f} {22 * row + 11}h{high - low:.1f}" stroke="#000" stroke-width="2"/>')
    parts.append(f'<text x="580" y="{22 * row + 16}">{sign}{float(line["at_full_pace"]):,.0f}/s</text>')
with open(chart, "w") as file:
    file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="680" height="{22 * len(lines) + 4}" font-family="sans-serif" '
               f'font-size="13">{"".join(parts)}</svg>\n')
