"""Writes test/fixtures/quantised.json: a small matrix in the layout of each way of quantising, and the values that it stands for.

    python quantised.py        (numpy alone)

Codes, zeros and scales are random. The layouts are written out here from the descriptions of each format, and the values are
computed in float32 from the codes before they are packed. Bytes are base64; values are a sha256 of their float32 bytes.
"""
import base64
import hashlib
import json
import os

import numpy as np

ROWS, COLUMNS = 32, 96
random = np.random.default_rng(9)
cases = {}


def stream(codes, bits):
    """[lines, count] codes as one stream of bits a line, lowest bits first, padded to whole words of 32."""
    lines, count = codes.shape
    flags = (codes[:, :, None].astype(np.int64) >> np.arange(bits)) & 1
    flags = np.pad(flags.reshape(lines, -1), ((0, 0), (0, -count * bits % 32)))
    words = (flags.reshape(lines, -1, 32).astype(np.uint64) << np.arange(32, dtype=np.uint64)).sum(-1)
    return words.astype(np.uint32).view(np.int32)


def bfloat16(values):
    """(bits, the same as float32) of positive floats, cut."""
    bits = values.astype(np.float32).view(np.uint32) >> 16
    return bits.astype(np.uint16), (bits << 16).astype(np.uint32).view(np.float32)


def e4m3(codes):
    exponent, mantissa = (codes >> 3) & 15, codes & 7
    size = np.where(exponent == 0, mantissa * 2.0**-9, (8 + mantissa) * 2.0 ** (exponent.astype(int) - 10))
    return np.where(codes & 128, -size, size).astype(np.float32)


def add(name, config, tensors, values, shape=(ROWS, COLUMNS)):
    assert values.dtype == np.float32 and values.shape == shape
    packed = {}
    for key, value in tensors.items():
        array, dtype = value if isinstance(value, tuple) else (value, None)
        packed[f"m.{key}"] = {"dtype": dtype or str(array.dtype), "shape": list(array.shape),
                              "bytes": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}
    values = np.ascontiguousarray(values) + np.float32(0)
    cases[name] = {"config": config, "tensors": packed, "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
                   "first": [float(v) for v in values.ravel()[:8]]}


def float16_scales(groups):
    return random.uniform(0.001, 0.02, (groups, ROWS)).astype(np.float16)


def gptq(name, bits, group, version, act=False, irregular=False):
    size = COLUMNS if group == -1 else group
    groups = -(-COLUMNS // size)
    of = np.arange(COLUMNS) // size
    if act:
        of = of[random.permutation(COLUMNS)]
    if irregular:
        of = random.integers(0, groups, COLUMNS)
    codes, zeros, scales = random.integers(0, 2**bits, (COLUMNS, ROWS)), random.integers(1, 2**bits - 1, (groups, ROWS)), float16_scales(groups)
    values = ((codes - zeros[of]).astype(np.float32) * scales.astype(np.float32)[of]).T
    add(name, {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": act or irregular, **({} if version is None else {"checkpoint_format": version})},
        {"qweight": np.ascontiguousarray(stream(codes.T, bits).T), "qzeros": stream(zeros - (version != "gptq_v2"), bits), "scales": scales, "g_idx": of.astype(np.int32)}, values)


gptq("gptq, 4 bits", 4, 32, None)
gptq("gptq, 4 bits, ordered by activation", 4, 32, "gptq_v2", act=True)
gptq("gptq, 4 bits, groups of any size", 4, 32, "gptq", irregular=True)
gptq("gptq, 3 bits, a last group that is shorter", 3, 64, "gptq")
gptq("gptq, 2 bits, one group a row", 2, -1, "gptq_v2")
gptq("gptq, 8 bits, ordered by activation", 8, 32, "gptq", act=True)

codes, zeros, scales = random.integers(0, 16, (COLUMNS, ROWS)), random.integers(0, 16, (3, ROWS)), float16_scales(3)
of = np.arange(COLUMNS) // 32


def awq_words(lines):
    """Eight neighbours a word: from the lowest bits on 0, 2, 4, 6, 1, 3, 5, 7."""
    eights = lines.reshape(lines.shape[0], -1, 8)[:, :, [0, 2, 4, 6, 1, 3, 5, 7]]
    return stream(eights.reshape(lines.shape[0], -1), 4)


add("awq", {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"},
    {"qweight": awq_words(codes), "qzeros": awq_words(zeros), "scales": scales},
    ((codes - zeros[of]).astype(np.float32) * scales.astype(np.float32)[of]).T)

codes8 = random.integers(0, 127, (ROWS, COLUMNS)) | (random.integers(0, 2, (ROWS, COLUMNS)) << 7)
floats = (codes8.astype(np.uint8), "float8_e4m3fn")
scales32 = random.uniform(0.001, 0.02, (2, 3)).astype(np.float32)
full = scales32.repeat(20, 0)[:ROWS].repeat(48, 1)[:, :COLUMNS]
add("fp8, cut blocks", {"quant_method": "fp8", "weight_block_size": [20, 48]}, {"weight": floats, "weight_scale_inv": scales32[:, :2].copy()}, e4m3(codes8) * full)
exponents = random.integers(110, 130, (2, 2)).astype(np.uint8)
full = (2.0 ** (exponents.astype(int) - 127)).astype(np.float32).repeat(20, 0)[:ROWS].repeat(48, 1)
add("fp8, blocks of powers of two", {"quant_method": "fp8", "weight_block_size": [20, 48], "scale_fmt": "ue8m0"},
    {"weight": floats, "weight_scale_inv": (exponents, "float8_e8m0fnu")}, e4m3(codes8) * full)
add("fp8, AutoFP8's names", {"quant_method": "fp8", "activation_scheme": "static", "ignored_layers": ["lm_head"]},
    {"weight": floats, "weight_scale": scales32[0, 0].reshape(()), "input_scale": scales32[0, 1].reshape(())}, e4m3(codes8) * scales32[0, 0])
each = random.uniform(0.001, 0.02, (ROWS, 1)).astype(np.float32)
add("fbgemm, rows", {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0}, {"weight": floats, "weight_scale": each}, e4m3(codes8) * each)


def weights(bits, kind="int", symmetric=True, strategy="group", group=None, actorder=None):
    return {"num_bits": bits, "type": kind, "symmetric": symmetric, "strategy": strategy, "group_size": group, "dynamic": False, "actorder": actorder}


def compressed(name, form, arguments, tensors, values):
    config = {"quant_method": "compressed-tensors", "format": form, "ignore": ["lm_head"],
              "config_groups": {"group_0": {"targets": ["re:.*"], "weights": arguments, "input_activations": None, "output_activations": None}}}
    add(name, config, tensors, values)


def packed(name, bits, group, symmetric, act=False):
    groups, low = -(-COLUMNS // group), -(2 ** (bits - 1))
    of = np.arange(COLUMNS) // group
    if act:
        of = of[random.permutation(COLUMNS)]
    codes = random.integers(low, -low, (ROWS, COLUMNS))
    zeros = np.zeros((ROWS, groups), int) if symmetric else random.integers(low, -low, (ROWS, groups))
    scale_bits, scales = bfloat16(random.uniform(0.001, 0.02, (ROWS, groups)))
    tensors = {"weight_packed": stream(codes - low, bits), "weight_scale": (scale_bits, "bfloat16"), "weight_shape": np.array([ROWS, COLUMNS], np.int64)}
    if not symmetric:
        tensors["weight_zero_point"] = np.ascontiguousarray(stream((zeros - low).T, bits).T)
    if act:
        tensors["weight_g_idx"] = of.astype(np.int32)
    strategy = "channel" if group == COLUMNS else "group"
    arguments = weights(bits, symmetric=symmetric, strategy=strategy, group=None if strategy == "channel" else group, actorder="group" if act else None)
    compressed(name, "pack-quantized", arguments, tensors, (codes - zeros[:, of]).astype(np.float32) * scales[:, of])


packed("compressed-tensors, 4 bits", 4, 32, True)
packed("compressed-tensors, 4 bits with zeros, ordered by activation", 4, 32, False, act=True)
packed("compressed-tensors, 3 bits with zeros", 3, 32, False)
packed("compressed-tensors, 8 bits", 8, COLUMNS, True)

codes, zeros = random.integers(-128, 128, (ROWS, COLUMNS)).astype(np.int8), random.integers(-128, 128, (ROWS, 3)).astype(np.int8)
scale_bits, scales = bfloat16(random.uniform(0.001, 0.02, (ROWS, 3)))
compressed("compressed-tensors, int8 with zeros", "int-quantized", weights(8, symmetric=False, group=32),
           {"weight": codes, "weight_scale": (scale_bits, "bfloat16"), "weight_zero_point": zeros},
           (codes.astype(np.float32) - zeros.astype(np.float32)[:, of]) * scales[:, of])
compressed("compressed-tensors, float8", "float-quantized", weights(8, "float", strategy="channel"),
           {"weight": floats, "weight_scale": (scale_bits[:, :1].copy(), "bfloat16")}, e4m3(codes8) * scales[:, :1])

path = os.path.join(os.path.dirname(__file__), "../../test/fixtures/quantised.json")
with open(path, "w") as file:
    json.dump(cases, file, separators=(",", ":"))
    file.write("\n")
