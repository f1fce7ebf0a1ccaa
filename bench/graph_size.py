#!/usr/bin/env python3
"""Times `doppio convert` on synthetic graphs of growing size: the time is to grow in step with the nodes.

    pip install onnx numpy
    bench/graph_size.py --doppio build/bin/doppio

Three kinds of graph: products and activations; convolutions with batch normalisation between shape arithmetic; padding
that gives every value a size of its own.
"""
import argparse
import pathlib
import subprocess
import tempfile
import time

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


def products(count):
    weights = [numpy_helper.from_array(numpy.full((8, 8), 0.1, numpy.float32), "w")]
    nodes, x = [], "x"
    for i in range(count // 4):
        for kind, inputs in (("MatMul", [x, "w"]), ("Tanh", [f"MatMul{i}"]), ("Add", [f"Tanh{i}", x]),
                             ("Sigmoid", [f"Add{i}"])):
            nodes.append(helper.make_node(kind, inputs, [f"{kind}{i}"]))
        x = f"Sigmoid{i}"
    return nodes, weights, ["N", 8], x


def convolutions(count):
    one = numpy.full(4, 0.5, numpy.float32)
    weights = [numpy_helper.from_array(value, name) for name, value in (
        ("w", numpy.full((4, 4, 1, 1), 0.1, numpy.float32)), ("scale", one), ("shift", one), ("mean", one),
        ("var", one), ("zero", numpy.array(0)), ("axis", numpy.array([0])), ("rest", numpy.array([-1])))]
    nodes, x = [], "x"
    for i in range(count // 10):
        for kind, inputs in (
                ("Conv", [x, "w"]), ("BatchNormalization", [f"Conv{i}", "scale", "shift", "mean", "var"]),
                ("Relu", [f"BatchNormalization{i}"]), ("Shape", [f"Relu{i}"]), ("Gather", [f"Shape{i}", "zero"]),
                ("Unsqueeze", [f"Gather{i}", "axis"]), ("Concat", [f"Unsqueeze{i}", "rest"]),
                ("Reshape", [f"Relu{i}", f"Concat{i}"]), ("Identity", [f"Reshape{i}"])):
            nodes.append(helper.make_node(kind, inputs, [f"{kind}{i}"], **({"axis": 0} if kind == "Concat" else {})))
        nodes.append(helper.make_node("Reshape", [f"Identity{i}", f"Shape{i}"], [f"back{i}"]))
        x = f"back{i}"
    return nodes, weights, ["N", 4, "H", "W"], x


def pads(count):
    weights = [numpy_helper.from_array(numpy.array([0, 1, 0, 0]), "pads")]
    nodes, x = [], "x"
    for i in range(count):
        nodes.append(helper.make_node("Pad", [x, "pads"], [f"y{i}"]))
        x = f"y{i}"
    return nodes, weights, ["N", "C"], x


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--doppio", required=True)
    parser.add_argument("--nodes", type=int, nargs="+", default=[25000, 50000, 100000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "model.onnx"
        for build in (products, convolutions, pads):
            for count in options.nodes:
                nodes, weights, shape, last = build(count)
                graph = helper.make_graph(
                    nodes, "graph", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                    [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)], weights)
                onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
                begin = time.time()
                subprocess.run([options.doppio, "convert", str(model), "-o", f"{folder}/pair"], check=True,
                               stdout=subprocess.DEVNULL)
                print(f"{build.__name__:14} {len(nodes):7} nodes  {time.time() - begin:6.2f} s", flush=True)


if __name__ == "__main__":
    main()
