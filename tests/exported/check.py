#!/usr/bin/env python3
"""Exports the models of models.txt by PyTorch, with random weights, and compares doppio with ONNX Runtime on each.

    pip install torch torchvision timm transformers onnx onnxscript onnxruntime
    tests/exported/check.py --doppio build/bin/doppio --table docs/models.md

A model passes when every output agrees: integers are equal, floats differ by at most 1e-4 of the greatest expected
value. Detections are matched first: almost equal scores may stand in another order. Where ONNX Runtime's answers differ
from its own without graph optimisations by more than that - random weights make some models amplify every rounding -
an output passes within four times that difference, and the table says so. Each model runs in a process of its own, so that one that takes too long or too much memory does not end the run.
Exported models are kept in --work and used again. Exit status 1 when a model that ONNX Runtime runs does not pass.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOLERANCE = 1e-4


# --- models ----------------------------------------------------------------------------------------------------------

def torchvision_model(name, size):
    import torch
    import torchvision
    options = {"weights": None}
    detection = name in torchvision.models.list_models(torchvision.models.detection)
    if detection or name in torchvision.models.list_models(torchvision.models.segmentation):
        options["weights_backbone"] = None
    if name.startswith(("vit_", "maxvit")):
        options["image_size" if name.startswith("vit_") else "input_size"] = size if name.startswith("vit_") else (
            size, size)
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False}
    if detection:  # untrained scores are low: keep some
        options["box_score_thresh" if "rcnn" in name else "score_thresh"] = 0.0
        options |= {"min_size": size, "max_size": 2 * size} if not name.startswith("ssd") else {}
    model = torchvision.models.get_model(name, **options)
    if name in torchvision.models.list_models(torchvision.models.video):
        return model, (torch.rand(1, 3, 16, size, size),)
    if detection:
        return model, ([torch.rand(3, size, size)],)
    return model, (torch.rand(1, 3, size, size),)


def timm_model(name, size):
    import timm
    import torch
    return timm.create_model(name, pretrained=False, num_classes=10), (torch.rand(1, 3, size, size),)


def transformers_model(name, size):
    import torch
    import transformers as t
    small = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    words = (torch.randint(0, 90, (1, size)),)
    picture = (torch.rand(1, 3, size, size),)
    text = {"vocab_size": 100, "max_position_embeddings": 64}
    models = {
        "bert": lambda: (t.BertModel(t.BertConfig(**small, **text)), words),
        "distilbert": lambda: (t.DistilBertModel(
            t.DistilBertConfig(vocab_size=100, dim=64, n_layers=2, n_heads=4, hidden_dim=128)), words),
        "roberta": lambda: (t.RobertaModel(t.RobertaConfig(**small, **text)), words),
        "albert": lambda: (t.AlbertModel(t.AlbertConfig(**small, **text, embedding_size=32)), words),
        "electra": lambda: (t.ElectraModel(t.ElectraConfig(**small, **text, embedding_size=32)), words),
        "mobilebert": lambda: (t.MobileBertModel(t.MobileBertConfig(
            vocab_size=100, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
            embedding_size=32, intra_bottleneck_size=32)), words),
        "gpt2": lambda: (t.GPT2LMHeadModel(
            t.GPT2Config(vocab_size=100, n_positions=64, n_embd=64, n_layer=2, n_head=4, use_cache=False)), words),
        "t5_encoder": lambda: (t.T5EncoderModel(
            t.T5Config(vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4)), words),
        "llama": lambda: (t.LlamaForCausalLM(
            t.LlamaConfig(**small, **text, num_key_value_heads=2, use_cache=False)), words),
        "vit": lambda: (t.ViTModel(t.ViTConfig(**small, image_size=size, patch_size=16)), picture),
        "swin": lambda: (t.SwinModel(t.SwinConfig(
            image_size=size, patch_size=4, embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=4)), picture),
        "segformer": lambda: (t.SegformerForSemanticSegmentation(t.SegformerConfig(
            hidden_sizes=[16, 32, 40, 64], decoder_hidden_size=32, num_labels=5)), picture),
        "clip": lambda: (t.CLIPVisionModel(t.CLIPVisionConfig(**small, image_size=size, patch_size=16)), picture),
        "whisper_encoder": lambda: (t.WhisperModel(t.WhisperConfig(
            vocab_size=100, d_model=64, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=128, decoder_ffn_dim=128, max_source_positions=size,
            pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)).get_encoder(),
            (torch.rand(1, 80, 2 * size),)),
        "wav2vec2": lambda: (t.Wav2Vec2Model(t.Wav2Vec2Config(
            **small, vocab_size=32, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4)),
            (torch.rand(1, 100 * size),)),
    }
    model, inputs = models[name]()

    class Tensors(torch.nn.Module):
        """The outputs of a model as a tuple of tensors."""

        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            result = self.inner(x, return_dict=True)
            return tuple(value for value in result.values() if isinstance(value, torch.Tensor))

    return Tensors(model), inputs


def torch_model(name, size):
    import torch
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.words, self.layer, self.tags = nn.Embedding(100, 32), layer, nn.Linear(48, 7)

        def forward(self, x):
            return self.tags(self.layer(self.words(x))[0])

    words = (torch.randint(0, 100, (2, size)),)
    if name == "lstm_tagger":
        return Tagger(nn.LSTM(32, 24, num_layers=2, bidirectional=True, batch_first=True)), words
    if name == "gru_tagger":
        return Tagger(nn.GRU(32, 24, num_layers=2, bidirectional=True, batch_first=True)), words
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), (torch.rand(2, size, 32),)


FAMILIES = {"torchvision": torchvision_model, "timm": timm_model, "transformers": transformers_model,
            "torch": torch_model}


def export(package, name, size, path):
    """Writes `path`; returns which exporter did it."""
    import torch
    torch.manual_seed(0)
    model, inputs = FAMILIES[package](name, size)
    model.eval()
    first = None
    for dynamo in (True, False):
        try:
            with torch.no_grad():
                torch.onnx.export(model, inputs, str(path), dynamo=dynamo, **({"verbose": False} if dynamo else {}))
            return "dynamo" if dynamo else "torchscript"
        except Exception as error:  # whatever the exporter throws: PyTorch cannot export it this way
            first = first or error
    raise RuntimeError(f"PyTorch cannot export it: {type(first).__name__}: {str(first).strip().splitlines()[0][:200]}")


# --- comparison ------------------------------------------------------------------------------------------------------

def random_inputs(session):
    import numpy
    random = numpy.random.default_rng(1)
    feeds = {}
    for declared in session.get_inputs():
        shape = [size if isinstance(size, int) else 1 for size in declared.shape]
        if declared.type == "tensor(float)":
            feeds[declared.name] = random.random(shape, dtype=numpy.float32)
        else:
            feeds[declared.name] = random.integers(0, 90, shape, dtype=numpy.int64)
    return feeds


def float_error(got, wanted):
    """The greatest difference as a share of the greatest expected value; None where NaN or infinities differ."""
    import numpy
    finite = numpy.isfinite(wanted)
    if (numpy.isfinite(got) != finite).any():
        return None
    scale = numpy.abs(wanted[finite]).max(initial=0)
    error = numpy.abs(got[finite] - wanted[finite]).max(initial=0)
    return float(error / scale) if error > 0 else 0.0


def difference(got, wanted, bound):
    """None when equal by the rule; else what differs."""
    if got.shape != wanted.shape:
        return f"shape {list(got.shape)}, expected {list(wanted.shape)}"
    if wanted.dtype.kind != "f":
        wrong = int((got != wanted).sum())
        return f"{wrong} of {wanted.size} integers differ" if wrong else None
    error = float_error(got, wanted)
    if error is None:
        return "NaN or infinity at other places"
    return f"differs by {error:.2g} of the greatest value" if error > bound else None


def own_spread(model, feeds, wanted):
    """By how much each output of ONNX Runtime differs from its own without graph optimisations."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"]).run(None, feeds)
    return [(float_error(p, w) or 0.0) if w.dtype.kind == "f" and p.shape == w.shape else 0.0
            for p, w in zip(match_detections(plain, wanted), wanted)]


def match_detections(got, wanted):
    """Detections of almost equal scores may stand in another order: `got` in the order of `wanted`.

    Detections are outputs of N rows of which one holds boxes [N, 4] and one integer labels [N]; each wanted one takes
    the nearest box of its label that is left.
    """
    import numpy
    boxes = [i for i, value in enumerate(wanted) if value.ndim == 2 and value.shape[1] == 4]
    labels = [i for i, value in enumerate(wanted) if value.ndim == 1 and value.dtype.kind == "i"]
    if not boxes or not labels or any(g.shape != w.shape for g, w in zip(got, wanted)):
        return got
    box, label, count = boxes[0], labels[0], len(wanted[boxes[0]])
    left, order = list(range(count)), []
    for i in range(count):
        near = [numpy.abs(got[box][j] - wanted[box][i]).max() + 1e9 * (got[label][j] != wanted[label][i]) for j in left]
        order.append(left.pop(int(numpy.argmin(near))))
    return [value[order] if len(value.shape) > 0 and value.shape[0] == count else value for value in got]


def check_one(package, name, size, doppio, work):
    """The row of one model, as a dictionary."""
    import numpy
    import onnx
    import onnxruntime
    folder = work / f"{package}-{name}-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    model, exporter = folder / "model.onnx", folder / "exporter.txt"
    if not exporter.exists():
        begin = time.time()
        exporter.write_text(export(package, name, size, model))
        print(f"exported in {time.time() - begin:.0f} s", file=sys.stderr)
    row = {"exporter": exporter.read_text(), "nodes": len(onnx.load(model, load_external_data=False).graph.node)}
    onnxruntime.set_default_logger_severity(4)
    try:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        feeds = random_inputs(session)
        wanted = session.run(None, feeds)
    except Exception as error:
        return row | {"result": "onnxruntime", "why": str(error).strip().splitlines()[0][:200]}
    names = [output.name for output in session.get_outputs()]
    del session
    pair, out = folder / "pair", folder / "out"
    begin = time.time()
    convert = subprocess.run([doppio, "convert", str(model), "-o", str(pair)], capture_output=True, text=True)
    row["convert_s"] = round(time.time() - begin, 2)
    if convert.returncode:
        return row | {"result": "fails", "why": " ".join(convert.stderr.split())[:300]}
    command = [doppio, "run", str(pair), "--output-dir", str(out)]
    for key, value in feeds.items():
        file = folder / (re.sub(r"[^A-Za-z0-9._-]", "_", key) + ".npy")
        numpy.save(file, value)
        command += ["--input", f"{key}={file}"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        return row | {"result": "fails", "why": " ".join(run.stderr.split())[:300]}
    answers = [numpy.load(out / (re.sub(r"[^A-Za-z0-9._-]", "_", key) + ".npy")) for key in names]
    answers = match_detections(answers, wanted)
    bounds = [TOLERANCE] * len(wanted)
    if any(difference(got, value, TOLERANCE) for got, value in zip(answers, wanted)):
        spread = own_spread(model, feeds, wanted)
        bounds = [max(TOLERANCE, 4 * own) for own in spread]
        row["why"] = f"ONNX Runtime differs from itself by {max(spread):.2g}"
    for key, got, value, bound in zip(names, answers, wanted, bounds):
        why = difference(got, value, bound)
        if why is not None:
            return row | {"result": "fails", "why": f"output {key}: {why}"}
    return row | {"result": "passes", "outputs": [list(value.shape) for value in wanted]}


# --- the run ---------------------------------------------------------------------------------------------------------

def read_list(path):
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            package, name, size = line.split()
            yield package, name, int(size)


def run_in_process(model, options):
    command = [sys.executable, __file__, "--one", " ".join(map(str, model)), "--doppio", options.doppio,
               "--work", str(options.work)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.timeout)
    except subprocess.TimeoutExpired:
        return {"result": "export", "why": f"not done after {options.timeout} s"}
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = [line for line in done.stderr.splitlines() if "PyTorch cannot export" in line] or done.stderr.splitlines()
        return {"result": "export", "why": (last or ["it died"])[-1][:300]}


WORDS = {"passes": "passes", "fails": "**fails**", "onnxruntime": "ONNX Runtime refuses it",
         "export": "PyTorch cannot export it"}


def write_table(rows, path, versions):
    counts = {result: sum(1 for _, row in rows if row["result"] == result) for result in WORDS}
    ran = counts["passes"] + counts["fails"]
    lines = ["# Models checked against ONNX Runtime", "",
             f"Of {len(rows)} models of `tests/exported/models.txt`, exported with random weights, ONNX Runtime runs {ran}; "
             f"doppio gives its answers for {counts['passes']} of them (integers equal, floats within 1e-4 of the greatest "
             "value).", "", f"Made by `tests/exported/check.py` with {versions}.", "",
             "| model | size | nodes | exporter | result |", "|---|---|---|---|---|"]
    for (package, name, size), row in rows:
        why = f": {row['why']}" if row.get("why") else ""
        lines.append(f"| {package} {name} | {size} | {row.get('nodes', '')} | {row.get('exporter', '')} | "
                     f"{WORDS[row['result']]}{why.replace('|', '/')} |")
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--doppio", required=True, help="the doppio command")
    parser.add_argument("--list", type=pathlib.Path, default=HERE / "models.txt")
    parser.add_argument("--only", default="", help="only models whose line contains this")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "doppio-exported")
    parser.add_argument("--table", type=pathlib.Path, help="write the table here")
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one model")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        package, name, size = options.one.split()
        print(json.dumps(check_one(package, name, int(size), options.doppio, options.work)))
        return 0
    rows = []
    for model in read_list(options.list):
        if options.only and options.only not in " ".join(map(str, model)):
            continue
        row = run_in_process(model, options)
        rows.append((model, row))
        print(f"{row['result']:12} {model[0]} {model[1]} {row.get('why', '')}", flush=True)
    import importlib.metadata
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}"
                         for package in ("torch", "torchvision", "timm", "transformers", "onnx", "onnxruntime"))
    if options.table:
        write_table(rows, options.table, versions)
    failed = sum(1 for _, row in rows if row["result"] == "fails")
    print(f"{len(rows)} models: {sum(1 for _, row in rows if row['result'] == 'passes')} pass, {failed} fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
