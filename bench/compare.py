#!/usr/bin/env python3
"""Times models with doppio and ONNX Runtime, alternating in one run.

usage: compare.py --doppio BIN [--threads N] [--rounds N] MODEL.onnx...

Prints a row a model: the median latency of each, and how much faster doppio is. Made-up inputs; free sizes are 1.
Needs: numpy, onnxruntime.
"""
import argparse
import json
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime as ort


def onnxruntime_ms(session, feed, seconds):
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


def doppio_ms(doppio, pair, shapes, threads, seconds):
    args = [a for s in shapes for a in ('--shape', s)]
    out = subprocess.check_output([doppio, 'bench', pair, '--threads', str(threads), '--seconds', str(seconds),
                                   '--json', *args])
    return json.loads(out)['latency_ms']['median']


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('--doppio', required=True)
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('models', nargs='+')
    o = p.parse_args()
    print('| model | ONNX Runtime %s ms | doppio ms | doppio over ONNX Runtime |\n|---|---|---|---|' % ort.__version__)
    for model in o.models:
        options = ort.SessionOptions()
        options.intra_op_num_threads = o.threads
        session = ort.InferenceSession(model, options, providers=['CPUExecutionProvider'])
        sizes = {i.name: [d if isinstance(d, int) else 1 for d in i.shape] for i in session.get_inputs()}
        feed = {name: np.random.default_rng(0).uniform(-1, 1, size).astype(np.float32) for name, size in sizes.items()}
        shapes = ['%s=%s' % (name, ','.join(map(str, size))) for name, size in sizes.items()]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.check_call([o.doppio, '-q', 'convert', model, '-o', folder + '/pair'])
            session.run(None, feed)
            rounds = [(onnxruntime_ms(session, feed, 0.8), doppio_ms(o.doppio, folder + '/pair', shapes, o.threads, 0.8))
                      for _ in range(o.rounds)]
        theirs, ours = (float(np.median(side)) for side in zip(*rounds))
        print('| %s | %.2f | %.2f | %.2f |' % (model, theirs, ours, theirs / ours), flush=True)


if __name__ == '__main__':
    main()
