#!/usr/bin/env python3
"""Writes docs/operators.md from what the doppio command says of itself.

    scripts/make_operators_doc.py build/bin/doppio           # writes it
    scripts/make_operators_doc.py build/bin/doppio --check   # exit status 1 when it is out of date
"""
import json
import pathlib
import subprocess
import sys

TARGET = pathlib.Path(__file__).resolve().parent.parent / "docs" / "operators.md"


def listed(*command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["operators"]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "/") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def document(doppio):
    own = listed(doppio, "inspect", "--operators", "--json")
    imported = listed(doppio, "convert", "--list-operators", "--json")
    dialect = {"": [op for op in own if op["domain"] == ""], "onnx": [op for op in own if op["domain"] != ""]}
    head = ["operator", "inputs", "outputs", "arguments and defaults", "computes"]

    def rows(operators):
        return [(op["type"], op["inputs"], op["outputs"], op["arguments"],
                 op["summary"] + ("" if op["planned"] else " (between plans)")) for op in operators]

    return f"""# Operators

Made by `scripts/make_operators_doc.py`; do not edit. Operators marked *between plans* work value by value outside of the
planned steps: their sizes depend on data, or they handle sequences, strings and child graphs.

## ONNX operators that `doppio convert` reads
{len(imported)} operators, each from the given version of its set up to the newest.

{table(["operator", "domain", "from version"], [(op["type"], op["domain"], op["since"]) for op in imported])}

## Operators of pairs, as Caffe2 has them
{len(dialect[""])} operators.

{table(head, rows(dialect[""]))}

## Operators of pairs that Caffe2 lacks
{len(dialect["onnx"])} operators of domain `ai.onnx`, with ONNX's newest semantics.

{table(head, rows(dialect["onnx"]))}
"""


def main():
    text = document(sys.argv[1])
    if "--check" in sys.argv[2:]:
        if TARGET.read_text() != text:
            sys.exit(f"{TARGET}: out of date; run scripts/make_operators_doc.py with the new build")
        return
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
