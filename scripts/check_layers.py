#!/usr/bin/env python3
"""Checks that every #include follows the arrows of scripts/layers.txt, and a few house rules that grep can see.

usage: check_layers.py [ROOT]
Prints file:line and what is wrong; exit status 1 if anything is.
"""
import os
import re
import sys

SOURCES = ('.cc', '.h', '.def')
# Nothing but these may be #defined outside tests: Highway's machinery, the row macro of a .def, and these names.
MACROS = re.compile(r'^(HWY_|DOPPIO_(RETURN_IF_ERROR|ASSIGN_OR_RETURN|ASSIGN_OR_RETURN_IMPL_|CONCAT_|CONCAT_INNER_|'
                    r'DCHECK|EXPORT|OPERATOR|HAVE_\w+|\w+_INL_H_)\b|CATCH_)')


def layers(path):
    table = {}
    for line in open(path):
        line = line.split('#')[0].strip()
        if line:
            folder, allowed = line.split(':')
            table[folder.strip()] = allowed.split()
    return table


def layer_of(path, table):
    best = ''
    for folder in table:
        if (path + '/').startswith(folder + '/') and len(folder) > len(best):
            best = folder
    return best


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
    os.chdir(root)
    table = layers('scripts/layers.txt')
    wrong = []
    for top in ('include', 'base', 'kernels', 'runtime', 'converter', 'vision', 'cli', 'tests', 'bench', 'examples'):
        for folder, _, files in os.walk(top):
            for name in sorted(files):
                if name.endswith(SOURCES):
                    check_file(os.path.join(folder, name), table, wrong)
    print('\n'.join(wrong) if wrong else 'includes follow the arrows')
    sys.exit(1 if wrong else 0)


def check_file(path, table, wrong):
    mine = layer_of(os.path.dirname(path), table)
    allowed = table.get(mine, [])
    text = open(path, encoding='utf-8').read()
    if not text.isascii():
        wrong.append('%s: has characters beyond ASCII' % path)
    if path.endswith('.h') and '#pragma once' not in text and '-inl.h' not in path:
        wrong.append('%s: has no #pragma once' % path)
    for number, line in enumerate(text.splitlines(), 1):
        where = '%s:%d: ' % (path, number)
        include = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if include and include.group(1) == '"':
            target = layer_of(os.path.dirname(include.group(2)), table)
            if '../' in include.group(2):
                wrong.append(where + 'includes are written from the root')
            elif target and target != mine and '*' not in allowed and not any(
                    target == a or target.startswith(a + '/') for a in allowed):
                wrong.append(where + 'the arrow %s -> %s is missing in scripts/layers.txt' % (mine, target))
        define = re.match(r'\s*#\s*define\s+(\w+)', line)
        if define and not path.startswith('tests') and not MACROS.match(define.group(1)):
            wrong.append(where + 'a macro: %s' % define.group(1))
        if re.search(r'\bTODO\b|\bFIXME\b|\bXXX\b', line):
            wrong.append(where + 'unfinished work: ' + line.strip())
        if len(line) > 100 and 'http' not in line and path.endswith(SOURCES):
            wrong.append(where + 'longer than 100 columns')


if __name__ == '__main__':
    main()
