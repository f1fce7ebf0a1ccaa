#!/usr/bin/env python3
"""Writes the backend test cases of the installed `onnx` package as folders, one a case.

    pip install onnx                    # the newest; its version decides which cases there are
    tests/conformance/make_cases.py OUT
    doppio_conformance --expect tests/conformance/expected_failures.txt OUT/node OUT/simple \\
        OUT/pytorch-converted OUT/pytorch-operator

With --onnxruntime, also runs every case by the installed ONNX Runtime, under the same tolerances, and prints its count.
"""
import argparse
import json
import pathlib
import shutil
import sys

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case import node as node_cases
from onnx.backend.test.loader import load_model_tests

DATA_KINDS = ("simple", "pytorch-converted", "pytorch-operator")


def to_proto(value, declared):
    """A stored value in the proto that its declared type wants."""
    if isinstance(value, onnx.TensorProto):
        return value
    if declared.type.HasField("sequence_type"):
        return numpy_helper.from_list(value, declared.name)
    if declared.type.HasField("optional_type"):
        return numpy_helper.from_optional(value, declared.name)
    if declared.type.HasField("map_type"):
        return numpy_helper.from_dict(value, declared.name)
    return numpy_helper.from_array(numpy.asarray(value), declared.name)


def write_case(case, folder):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    (folder / "data.json").write_text(json.dumps({"rtol": case.rtol, "atol": case.atol}) + "\n")
    for number, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{number}"
        data.mkdir()
        for role, values, declared in (("input", inputs, case.model.graph.input),
                                       ("output", outputs, case.model.graph.output)):
            for i, value in enumerate(values):
                # An optional input that is absent has no file.
                if value is not None or declared[i].type.HasField("optional_type"):
                    (data / f"{role}_{i}.pb").write_bytes(to_proto(value, declared[i]).SerializeToString())


def write_all(out):
    for case in node_cases.collect_testcases(None):
        write_case(case, out / "node" / case.name)
    for kind in DATA_KINDS:
        for case in load_model_tests(kind=kind):
            shutil.copytree(case.model_dir, out / kind / case.name)


def read_value(path, declared):
    data = path.read_bytes()
    if declared.type.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if declared.type.HasField("optional_type"):
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def equal(got, wanted, rtol, atol):
    if wanted is None or got is None:
        return got is None and wanted is None
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(equal(g, w, rtol, atol) for g, w in zip(got, wanted))
    got, wanted = numpy.asarray(got), numpy.asarray(wanted)
    if got.shape != wanted.shape:
        return False
    if wanted.dtype.kind in "OUS":
        return got.astype(str).tolist() == wanted.astype(str).tolist()
    if got.dtype != wanted.dtype:
        return False
    numbers = numpy.complex128 if wanted.dtype.kind == "c" else numpy.float64
    return numpy.allclose(got.astype(numbers), wanted.astype(numbers), rtol=rtol, atol=atol, equal_nan=True)


def onnxruntime_passes(folder, runtime):
    """Whether ONNX Runtime loads the case and gives the stored answers."""
    model = onnx.load(folder / "model.onnx")
    limits = {"rtol": 1e-3, "atol": 1e-7}
    if (folder / "data.json").exists():
        stored = json.loads((folder / "data.json").read_text())
        limits.update({key: stored[key] for key in limits if key in stored})
    session = runtime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    for data in sorted(folder.glob("test_data_set_*")):
        feeds = {}
        for i, declared in enumerate(model.graph.input):
            if (data / f"input_{i}.pb").exists():
                feeds[declared.name] = read_value(data / f"input_{i}.pb", declared)
        answers = session.run(None, feeds)
        for i, declared in enumerate(model.graph.output):
            if not equal(answers[i], read_value(data / f"output_{i}.pb", declared), **limits):
                return False
    return True


def count_onnxruntime(out):
    import onnxruntime
    onnxruntime.set_default_logger_severity(4)
    passed = total = 0
    failed = []
    for folder in sorted(out.glob("*/*")):
        total += 1
        try:
            good = onnxruntime_passes(folder, onnxruntime)
        except Exception:  # whatever it says: it does not run the case
            good = False
        passed += good
        if not good:
            failed.append(folder.name)
    (out / "onnxruntime_failures.txt").write_text("".join(name + "\n" for name in failed))
    print(f"ONNX Runtime {onnxruntime.__version__}: {passed} of {total} passed "
          f"({100 * passed / total:.1f}%); the others: {out / 'onnxruntime_failures.txt'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, help="a folder that does not exist yet")
    parser.add_argument("--onnxruntime", action="store_true", help="count what ONNX Runtime passes, too")
    options = parser.parse_args()
    if options.out.exists():
        sys.exit(f"{options.out}: exists; name a new folder")
    write_all(options.out)
    print(f"onnx {onnx.__version__}: {sum(1 for _ in options.out.glob('*/*'))} cases in {options.out}")
    if options.onnxruntime:
        count_onnxruntime(options.out)


if __name__ == "__main__":
    main()
