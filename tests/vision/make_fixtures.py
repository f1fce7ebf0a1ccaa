#!/usr/bin/env python3
"""Writes tests/vision/fixtures: small pictures, and what PIL, OpenCV and torchvision make of them.

usage: make_fixtures.py [FOLDER]
Needs numpy, Pillow, opencv-python and torchvision; the tests need none of them. tests/vision/*_test.cc name the files.
"""
import io
import os
import struct
import sys
import zlib

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision import transforms

RESIZES = [(24, 16), (12, 8), (48, 32), (31, 29), (9, 7), (24, 5), (11, 16), (8, 16), (1, 1), (1, 40), (53, 3), (22, 10),
           (20, 9), (40, 12), (20, 30)]
CROPS = [(24, 16), (10, 6), (11, 7), (9, 5), (13, 9), (40, 30), (41, 31), (10, 31), (37, 8)]
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PALETTE = [bytes([7 * i % 256, 255 - 13 * i % 256, 31 * i % 256]) for i in range(16)]


def scene(width, height, seed):
    """Slopes, an edge and some noise: every code path of a JPEG decoder has something to do."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 / width, y * 255 / height, 128 + 100 * np.sin(x * y / 40)]
    picture = np.stack(planes, -1) + random.normal(0, 12, (height, width, 3))
    picture[height // 3:, width // 2:] = 255 - picture[height // 3:, width // 2:]
    return np.clip(picture, 0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def packed_rows(samples, depth):
    """Rows of [height, width, samples] as PNG stores them, each after filter byte 0."""
    rows = []
    for row in samples.reshape(len(samples), -1):
        if depth == 16:
            body = row.astype('>u2').tobytes()
        elif depth == 8:
            body = row.astype(np.uint8).tobytes()
        else:
            bits = ''.join(format(int(v), '0%db' % depth) for v in row)
            bits += '0' * (-len(bits) % 8)
            body = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        rows.append(b'\0' + body)
    return b''.join(rows)


def png(samples, kind, depth, interlaced=False, extra=b'', claim=None):
    height, width = samples.shape[:2]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    body = b''.join(packed_rows(samples[y::dy, x::dx], depth) for x, y, dx, dy in passes)
    header = struct.pack('>IIBBBBB', *(claim or (width, height)), depth, kind, 0, 0, int(interlaced))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + extra + chunk(b'IDAT', zlib.compress(body, 9))
            + chunk(b'IEND', b''))


def png_files():
    colour = scene(19, 13, 1)
    grey = colour[..., :1]
    alpha = scene(19, 13, 2)[..., :1]
    deep = colour.astype(np.uint16) * 256 + scene(19, 13, 3)
    index = grey // 16
    palette = chunk(b'PLTE', b''.join(PALETTE)) + chunk(b'tRNS', bytes([0, 128, 255]))
    return {
        'rgb8.png': png(colour, 2, 8), 'rgb8_interlaced.png': png(colour, 2, 8, interlaced=True),
        'rgba8.png': png(np.concatenate([colour, alpha], -1), 6, 8),
        'grey8.png': png(grey, 0, 8), 'grey_alpha8.png': png(np.concatenate([grey, alpha], -1), 4, 8),
        'grey1.png': png(grey // 128, 0, 1), 'grey2.png': png(grey // 64, 0, 2), 'grey4.png': png(grey // 16, 0, 4),
        'palette4.png': png(index, 3, 4, extra=palette), 'palette8.png': png(index, 3, 8, extra=palette),
        'palette8_interlaced.png': png(index, 3, 8, interlaced=True, extra=palette),
        'rgb8_gamma.png': png(colour, 2, 8, extra=chunk(b'gAMA', struct.pack('>I', 100000))),
        'rgb16.png': png(deep, 2, 16), 'grey16.png': png(deep[..., :1], 0, 16),
    }


def jpeg(picture, mode='RGB', **options):
    out = io.BytesIO()
    Image.fromarray(picture).convert(mode).save(out, 'JPEG', quality=80, **options)
    return out.getvalue()


def jpeg_files():
    colour = scene(37, 29, 4)
    return {
        'rgb_420.jpg': jpeg(colour, subsampling='4:2:0'), 'rgb_422.jpg': jpeg(colour, subsampling='4:2:2'),
        'rgb_444.jpg': jpeg(colour, subsampling='4:4:4'),
        'progressive.jpg': jpeg(colour, progressive=True, optimize=True),
        'restarts.jpg': jpeg(colour, restart_marker_blocks=1), 'grey.jpg': jpeg(colour, 'L'),
        'cmyk.jpg': jpeg(colour, 'CMYK'),
    }


def check_decoders(name, content, rgb):
    """OpenCV must read the same pixels where it takes the file as PIL does."""
    if name in ('cmyk.jpg',):
        return
    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    difference = np.abs(bgr[..., ::-1].astype(int) - rgb).max()
    if difference:
        print('%s: OpenCV differs from PIL by %d' % (name, difference))


def write_decoded(save, folder):
    for name, content in {**png_files(), **jpeg_files()}.items():
        with open(os.path.join(folder, name), 'wb') as out:
            out.write(content)
        picture = Image.open(io.BytesIO(content))
        if name == 'grey16.png':  # PIL's "I;16" has no conversion of its own to RGB
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        rgb = np.asarray(picture.convert('RGB'))
        check_decoders(name, content, rgb)
        save(name + '.rgb', rgb)
        save(name + '.grey', np.asarray(picture.convert('L'))[..., None])
    with open(os.path.join(folder, 'huge_claim.png'), 'wb') as out:
        out.write(png(scene(19, 13, 1), 2, 8, claim=(16000, 16000)))


def write_changed(save, folder):
    noise = np.random.RandomState(5).randint(0, 256, (16, 24, 3)).astype(np.uint8)
    picture = Image.fromarray(noise)
    picture.save(os.path.join(folder, 'noise.png'))
    for width, height in RESIZES:
        size = '%dx%d' % (width, height)
        save('pil_' + size, np.asarray(picture.resize((width, height), Image.BILINEAR)))
        save('cv2_' + size, cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR))
    for width, height in CROPS:
        save('crop_%dx%d' % (width, height), np.asarray(transforms.CenterCrop((height, width))(picture)))

    to_tensor = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    steps = transforms.Compose([transforms.Resize(21), transforms.CenterCrop(15), *to_tensor])
    save('torchvision_wide', steps(picture).numpy())
    save('torchvision_tall', steps(Image.fromarray(noise.transpose(1, 0, 2).copy())).numpy())
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, -1))
    save('torchvision_ramp', transforms.Compose(to_tensor)(ramp).numpy())
    bgr = cv2.resize(noise[..., ::-1].copy(), (20, 20))[2:19, 2:19].astype(np.float32)
    bgr = bgr - np.array([104.00698793, 116.66876762, 122.67891434], np.float32)
    save('caffe', np.ascontiguousarray(bgr.transpose(2, 0, 1)))


def main(folder):
    os.makedirs(folder, exist_ok=True)

    def save(name, array):
        np.save(os.path.join(folder, name + '.npy'), np.ascontiguousarray(array))

    write_decoded(save, folder)
    write_changed(save, folder)


if __name__ == '__main__':
    torch.set_num_threads(1)
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fixtures'))
