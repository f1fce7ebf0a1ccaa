#!/usr/bin/env python3
"""Trains a small convolutional network on scikit-learn's digits and writes everything else in this folder.

usage: train.py [FOLDER]        (default: the folder of this script)
Needs torch, onnx, onnxscript, numpy, Pillow and scikit-learn; about a minute on one core. Seeds are fixed: the same
versions of these packages on the same kind of machine train the same network. (net_legacy.prm differs in bytes from
one run to the next all the same: PyTorch's old format names storages by their addresses.)
"""
import os
import sys
import tempfile

import numpy as np
import onnx
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

SIZE = 32
EPOCHS = 30


class Digits(nn.Module):
    """Three convolutions with batch normalisation, then one linear layer: [N, 1, 32, 32] -> [N, 10]."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.conv3 = nn.Conv2d(24, 48, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(48)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.25)
        self.fc = nn.Linear(48 * 4 * 4, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        x = self.pool(torch.relu(self.bn2(self.conv2(x))))
        x = self.pool(torch.relu(self.bn3(self.conv3(x))))
        return self.fc(self.dropout(torch.flatten(x, 1)))


def pictures_of(images):
    """8x8 drawings of 0..16 as 32x32 pictures of 0..255."""
    grey = np.rint(images * (255 / 16)).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(g).resize((SIZE, SIZE), Image.BILINEAR)) for g in grey])


def to_input(pictures):
    return torch.from_numpy(pictures).unsqueeze(1).float() / 255


def shifted(batch, generator):
    """Each picture moved by up to 2 pixels, zeros coming in."""
    padded = nn.functional.pad(batch, (2, 2, 2, 2))
    moves = torch.randint(0, 5, (len(batch), 2), generator=generator)
    return torch.stack([p[:, y:y + SIZE, x:x + SIZE] for p, (y, x) in zip(padded, moves.tolist())])


def train(pictures, labels):
    generator = torch.Generator().manual_seed(1)
    net = Digits()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    x, y = to_input(pictures), torch.from_numpy(labels)
    steps = EPOCHS * ((len(x) + 63) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=generator).split(64):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(shifted(x[rows], generator)), y[rows])
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def strip_places(path):
    """Exporters note where in the source each node came from; those paths say nothing to a reader of this folder."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ''
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.save(model, path)


def export(net, path):
    batch = torch.export.Dim('batch', min=1)
    torch.onnx.export(net, (torch.zeros(2, 1, SIZE, SIZE),), path, input_names=['input'],
                      output_names=['logits'], dynamic_shapes=({0: batch},), external_data=False)
    strip_places(path)


def main(folder):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    data = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        data.images, data.target, test_size=0.2, random_state=0, stratify=data.target)
    net = train(pictures_of(train_x), train_y)

    test_pictures = pictures_of(test_x)
    with torch.no_grad():
        right = (net(to_input(test_pictures)).argmax(1).numpy() == test_y).sum()
    print('right on held-out digits: %d of %d' % (right, len(test_y)))

    torch.save(net.state_dict(), os.path.join(folder, 'net.prm'), pickle_protocol=4)
    torch.save(net.state_dict(), os.path.join(folder, 'net_legacy.prm'), pickle_protocol=4,
               _use_new_zipfile_serialization=False)
    with tempfile.TemporaryDirectory() as scratch:  # its name, not this folder's, is what an exporter could note
        export(net, os.path.join(scratch, 'output.onnx'))
        with open(os.path.join(scratch, 'output.onnx'), 'rb') as made:
            content = made.read()
    with open(os.path.join(folder, 'output.onnx'), 'wb') as out:
        out.write(content)

    os.makedirs(os.path.join(folder, 'pictures'), exist_ok=True)
    chosen = [int(np.flatnonzero(test_y == label)[0]) for label in range(10)]
    for k, index in enumerate(chosen):
        name = 'digit_%d_%d.png' % (k, test_y[index])
        Image.fromarray(test_pictures[index]).save(os.path.join(folder, 'pictures', name), optimize=True)
    with torch.no_grad():
        np.save(os.path.join(folder, 'expected.npy'), net(to_input(test_pictures[chosen])).numpy())
    with open(os.path.join(folder, 'labels.txt'), 'w', encoding='ascii') as labels:
        labels.writelines('%d\n' % digit for digit in range(10))


if __name__ == '__main__':
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
