#!/usr/bin/env python3
"""embed.py OUT FILE ...: text files as C initialisers {"name", "text"}: machine descriptions for
cli/presets.c, what a page is made of for report/chart_html.c."""
import os
import sys

with open(sys.argv[1], "w") as out:
    for path in sys.argv[2:]:
        name = os.path.splitext(os.path.basename(path))[0]
        out.write('{"%s",\n' % name)
        for line in open(path, encoding="utf-8"):
            quoted = line.rstrip("\n").replace("\\", "\\\\").replace('"', '\\"')
            out.write(' "%s\\n"\n' % quoted)
        out.write("},\n")
