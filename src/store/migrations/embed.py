#!/usr/bin/env python3
"""Writes the migrations as one C file: embed.py OUTPUT 0001_name.sql 0002_name.sql …"""

import json
import pathlib
import sys

output, *scripts = map(pathlib.Path, sys.argv[1:])

with output.open("w", encoding="utf-8") as c:
    c.write('#include "store/migrate.h"\n\nconst char *const migrations[] = {\n')
    for number, script in enumerate(scripts, start=1):
        if int(script.name[:4]) != number:
            sys.exit(f"{script.name}: migrations are numbered 0001, 0002, … without gaps")
        c.write(f"    /* {script.name} */\n")
        for line in script.read_text(encoding="utf-8").splitlines(keepends=True):
            c.write(f"    {json.dumps(line, ensure_ascii=False)}\n")
        c.write("    ,\n")
    c.write("    NULL,\n};\n")
