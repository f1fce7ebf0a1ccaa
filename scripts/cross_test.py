#!/usr/bin/env python3
"""Runs pairs with the doppio of this machine and with one for another machine, under an emulator or on a board that can be
reached by a command, and compares the answers.

  scripts/cross_test.py --host build/bin/doppio --other 'qemu-aarch64 -cpu max build/aarch64/bin/doppio'
  scripts/cross_test.py --host ... --other ... deploy/=input.npy other_pair/=x.npy

A pair goes with its input; without pairs, the digits network of examples/ and its pictures. An output passes when no value
is off by more than 1e-5 of the greatest one. Exit status 1 if one does not.
"""
import argparse
import array
import ast
import glob
import os
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
TOLERANCE = 1e-5


def read_floats(path):
    """Shape and values of a .npy file of little-endian float32."""
    with open(path, 'rb') as file:
        data = file.read()
    start = 10 + int.from_bytes(data[8:10], 'little')
    header = ast.literal_eval(data[10:start].decode())
    if header['descr'] != '<f4':
        raise SystemExit('%s: %s is not compared, only float32' % (path, header['descr']))
    return header['shape'], array.array('f', data[start:])


def outputs(command, pair, arguments):
    with tempfile.TemporaryDirectory() as folder:
        # One thread: not every emulator starts more, and the answers do not depend on it.
        subprocess.run(shlex.split(command) + ['run', pair, *arguments, '--threads', '1', '--output-dir', folder],
                       check=True, stdout=subprocess.DEVNULL)
        return {os.path.basename(path): read_floats(path) for path in sorted(glob.glob(folder + '/*.npy'))}


def compare(host, other, pair, arguments):
    """The greatest difference between the two, as a share of the greatest value."""
    expected, got = outputs(host, pair, arguments), outputs(other, pair, arguments)
    if not expected or expected.keys() != got.keys():
        raise SystemExit('%s: outputs %s here, %s there' % (pair, sorted(expected), sorted(got)))
    worst = 0.0
    for name, (shape, values) in expected.items():
        if got[name][0] != shape:
            return float('inf')
        scale = max(map(abs, values), default=0) or 1
        worst = max([worst] + [abs(a - b) / scale for a, b in zip(got[name][1], values)])
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--host', required=True, help='the doppio of this machine')
    parser.add_argument('--other', required=True, help='command that runs the other one')
    parser.add_argument('pairs', nargs='*', metavar='PAIR=INPUT.npy')
    args = parser.parse_args()
    cases = [(pair, ['--input', given]) for pair, _, given in (text.rpartition('=') for text in args.pairs)]
    if not cases:
        digits = os.path.join(ROOT, 'examples', 'digits')
        cases = [(os.path.join(digits, 'deploy'), ['--input', picture, '--scale', '0.00392156862745098'])
                 for picture in sorted(glob.glob(os.path.join(digits, 'pictures', '*.png')))]
    failed = 0
    for pair, arguments in cases:
        worst = compare(args.host, args.other, pair, arguments)
        failed += worst > TOLERANCE
        print('%-4s %s %s: %.1e' % ('FAIL' if worst > TOLERANCE else 'ok', pair, arguments[1], worst))
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
