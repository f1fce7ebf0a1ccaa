#!/usr/bin/env python3
"""Tests of the doppio command as users call it: exit statuses, messages, files.

usage: cli_test.py DOPPIO SOURCE_FOLDER
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

DOPPIO, SOURCE = sys.argv[1], sys.argv[2]
DIGITS = os.path.join(SOURCE, 'examples', 'digits')
SCALE = ['--scale', '0.00392156862745098']


def doppio(*args):
    p = subprocess.run([DOPPIO, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def content(path):
    with open(path, 'rb') as file:
        return file.read()


def write(path, data):
    with open(path, 'wb') as file:
        file.write(data)


def read_npy(path):
    """Shape and float32 values of a .npy file, without numpy."""
    data = content(path)
    length = struct.unpack('<H', data[8:10])[0]
    header = eval(data[10:10 + length].decode())  # written by the program under test
    values = data[10 + length:]
    assert header['descr'] == '<f4', header
    return header['shape'], struct.unpack('<%df' % (len(values) // 4), values)


def write_npy(path, descr, shape, data):
    text = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (descr, tuple(shape))
    text += ' ' * ((-(10 + len(text) + 1)) % 64) + '\n'
    write(path, b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text.encode() + data)


class Cli(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_convert_then_run_sees_every_digit(self):
        status, out, _ = doppio('convert', os.path.join(DIGITS, 'output.onnx'), '-o', self.path('pair'))
        self.assertEqual(status, 0)
        self.assertIn('input       input  float32[batch, 1, 32, 32]', out)
        self.assertEqual(sorted(os.listdir(self.path('pair'))), ['init_net.pb', 'predict_net.pb'])
        for name in sorted(os.listdir(os.path.join(DIGITS, 'pictures'))):
            picture = os.path.join(DIGITS, 'pictures', name)
            status, out, _ = doppio('run', self.path('pair'), '--input', picture, *SCALE, '--top', '1', '--json')
            self.assertEqual(status, 0)
            top = json.loads(out)['outputs'][0]['top'][0][0]['index']
            self.assertEqual(top, int(name.split('_')[2].split('.')[0]), name)

    def test_the_committed_pair_is_what_convert_writes(self):
        doppio('convert', os.path.join(DIGITS, 'output.onnx'), '-o', self.path('pair'))
        for name in ('init_net.pb', 'predict_net.pb'):
            self.assertEqual(content(self.path('pair/' + name)), content(os.path.join(DIGITS, 'deploy', name)), name)

    def test_outputs_equal_pytorchs(self):
        shape, expected = read_npy(os.path.join(DIGITS, 'expected.npy'))
        pictures = sorted(os.listdir(os.path.join(DIGITS, 'pictures')))
        for engine in ('auto', 'reference'):
            for row, name in enumerate(pictures):
                status, _, err = doppio('run', os.path.join(DIGITS, 'deploy'), '--input',
                                        os.path.join(DIGITS, 'pictures', name), *SCALE, '--engine', engine,
                                        '--output-dir', self.path('out'))
                self.assertEqual(status, 0, err)
                _, got = read_npy(self.path('out/logits.npy'))
                wanted = expected[row * 10:row * 10 + 10]
                self.assertLess(max(abs(a - b) for a, b in zip(got, wanted)), 1e-3 * max(map(abs, wanted)))
        index = json.loads(content(self.path('out/index.json')))
        self.assertEqual(index['outputs'], [{'name': 'logits', 'file': 'logits.npy', 'type': 'float32',
                                             'dims': [1, 10]}])

    def test_run_takes_the_model_itself(self):
        status, out, err = doppio('run', os.path.join(DIGITS, 'output.onnx'), '--input',
                                  os.path.join(DIGITS, 'pictures', 'digit_4_4.png'), *SCALE)
        self.assertEqual(status, 0)
        self.assertIn('converting', err)
        self.assertIn('logits  float32[1, 10]', out)

    def test_intermediate_blobs_can_be_fetched(self):
        status, out, err = doppio('run', os.path.join(DIGITS, 'deploy'), '--input',
                                  os.path.join(DIGITS, 'pictures', 'digit_4_4.png'), *SCALE, '--output', 'relu', '--json')
        self.assertEqual(status, 0, err)
        outputs = json.loads(out)['outputs']
        self.assertEqual([o['name'] for o in outputs], ['relu'])
        self.assertGreaterEqual(outputs[0]['min'], 0)

    def check_refused(self, args, message):
        status, _, err = doppio(*args)
        self.assertEqual(status, 2, err)
        self.assertIn(message, err)

    def test_wrong_calls_and_inputs_exit_with_2_and_one_sentence(self):
        pair = os.path.join(DIGITS, 'deploy')
        picture = os.path.join(DIGITS, 'pictures', 'digit_4_4.png')
        write_npy(self.path('flat.npy'), '<f4', [3], b'\0' * 12)
        write_npy(self.path('double.npy'), '<f8', [1, 1, 32, 32], b'\0' * 8192)
        write(self.path('broken.png'), content(picture)[:100])
        for args, message in (
                (['run', self.path('nowhere')], 'No such file or directory'),
                (['run', pair], "input 'input' float32[batch, 1, 32, 32] is missing"),
                (['run', pair, '--input', 'x=' + picture], "the net has no input 'x'"),
                (['run', pair, '--input', self.path('flat.npy')],
                 "input 'input' has shape [3], the net wants [batch, 1, 32, 32]"),
                (['run', pair, '--input', self.path('double.npy')], "has type float64, the net wants float32"),
                (['run', pair, '--input', self.path('broken.png')], 'broken.png'),
                (['run', pair, '--input', picture, '--engine', 'warp'], "engine 'warp' is not in this build"),
                (['run', pair, '--input', picture, '--device', 'cuda'], "device 'cuda' is not in this build"),
                (['run', pair, '--input', picture, '--output', 'nothing'], "blob 'nothing' is not in the net"),
                (['run', pair, '--input', picture, '--max-memory', '1K'], 'memory limit'),
                (['run', '--init-net', pair + '/predict_net.pb', '--predict-net', pair + '/init_net.pb'],
                 'the two files are swapped'),
                (['run', '--init-net', pair + '/init_net.pb'], '--init-net and --predict-net go together'),
                (['convert', os.path.join(DIGITS, 'net.prm'), '-o', self.path('no')], 'is a PyTorch checkpoint'),
                (['convert', self.path('nowhere.onnx'), '-o', self.path('no')], 'No such file or directory'),
                (['convert', os.path.join(DIGITS, 'output.onnx'), '-o', '/dev/null/x'], 'is a file, not a folder'),
                (['convert', os.path.join(DIGITS, 'output.onnx'), '-o', self.path('no'), '--disable-pass', 'x'],
                 "there is no pass 'x'"),
        ):
            self.check_refused(args, message)
            self.assertFalse(os.path.exists(self.path('no')))

    def test_a_full_disk_leaves_nothing_partial(self):
        pair = self.path('pair')
        script = 'ulimit -f 8; trap "" XFSZ; exec "$0" convert "$1" -o "$2"'
        p = subprocess.run(['bash', '-c', script, DOPPIO, os.path.join(DIGITS, 'output.onnx'), pair],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(p.returncode, 2, p.stderr)
        self.assertIn(b'cannot write', p.stderr)
        self.assertFalse(os.path.exists(pair))

    def test_mixed_pairs_are_noticed(self):
        doppio('convert', os.path.join(DIGITS, 'output.onnx'), '-o', self.path('other'), '--no-optimize',
               '--rename', 'logits=scores')
        self.check_refused(['run', '--init-net', self.path('other/init_net.pb'), '--predict-net',
                            os.path.join(DIGITS, 'deploy', 'predict_net.pb')], 'do not belong to one pair')

    def test_inspect_lists_and_dumps_weights(self):
        pair = os.path.join(DIGITS, 'deploy')
        status, out, _ = doppio('inspect', pair, '--weights', '--json')
        self.assertEqual(status, 0)
        weights = {w['name']: w for w in json.loads(out)['weights']}
        self.assertIn('conv1.weight', weights)
        status, _, err = doppio('inspect', pair, '--dump', 'conv1.weight=' + self.path('w.npy'))
        self.assertEqual(status, 0, err)
        shape, values = read_npy(self.path('w.npy'))
        self.assertEqual(list(shape), weights['conv1.weight']['dims'])
        self.assertAlmostEqual(min(values), weights['conv1.weight']['min'], places=6)

    def test_bench_reports_what_the_schema_says(self):
        status, out, err = doppio('bench', os.path.join(DIGITS, 'deploy'), '--runs', '3', '--json', '--per-op')
        self.assertEqual(status, 0, err)
        report = json.loads(out)
        self.assertEqual(report['schema'], 1)
        for key in ('load_ms', 'first_run_ms', 'latency_ms', 'throughput_per_s', 'threads', 'cpu', 'target',
                    'arena_bytes', 'peak_rss_bytes', 'steps'):
            self.assertIn(key, report)
        self.assertEqual(report['runs'], 3)
        self.assertTrue(all(step['implementation'] for step in report['steps']))

    def test_help_and_version(self):
        self.assertEqual(doppio('--version')[0], 0)
        self.assertIn('SIMD target', doppio('--version')[1])
        for command in ('convert', 'run', 'bench', 'inspect'):
            status, out, _ = doppio(command, '--help')
            self.assertEqual(status, 0)
            self.assertIn('Example', out)
        self.assertEqual(doppio()[0], 2)
        self.assertEqual(doppio('frobnicate')[0], 2)
        self.assertEqual(doppio('run', '--no-such-option')[0], 2)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
