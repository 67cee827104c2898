"""Writes a Llama checkpoint as ONNX decoders for onnxruntime: FOLDER/q4.onnx and FOLDER/int8.onnx, each with its data beside it.

    python make_onnx.py CHECKPOINT FOLDER

Needs onnx, numpy, torch and safetensors. The operators are those that exporters of such models use: GroupQueryAttention with rotary embedding
inside, MatMulNBits in blocks of 32 with int8 arithmetic (accuracy level 4), DynamicQuantizeMatMul for int8.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from safetensors import safe_open

source, target = Path(sys.argv[1]), Path(sys.argv[2])
config = json.loads((source / "config.json").read_text())
hidden, layers = config["hidden_size"], config["num_hidden_layers"]
heads, groups, dim = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
vocabulary, eps = config["vocab_size"], config["rms_norm_eps"]
MICROSOFT = "com.microsoft"


class Graph:
    """Nodes and weights; weights go to one file of data as they come."""

    def __init__(self, kind):
        self.kind, self.nodes, self.weights, self.count = kind, [], [], 0
        self.file = (target / f"{kind}.onnx.data").open("wb")

    def weight(self, name, values):
        values = np.ascontiguousarray(values)
        tensor = TensorProto(name=name, dims=values.shape, data_type=helper.np_dtype_to_tensor_dtype(values.dtype))
        tensor.data_location = TensorProto.EXTERNAL
        self.file.write(b"\0" * (-self.file.tell() % 4096))
        for key, value in {
            "location": f"{self.kind}.onnx.data",
            "offset": str(self.file.tell()),
            "length": str(values.nbytes),
        }.items():
            tensor.external_data.add(key=key, value=value)
        self.file.write(values.tobytes())
        self.weights.append(tensor)
        return name

    def node(self, op, inputs, outputs=1, domain="", **attributes):
        names = outputs if isinstance(outputs, list) else [f"v{self.count + i}" for i in range(outputs)]
        self.count += len(names)
        self.nodes.append(helper.make_node(op, inputs, names, domain=domain, name=f"n{self.count}", **attributes))
        return names[0] if len(names) == 1 else names

    def linear(self, x, name, w):
        rows, columns = w.shape
        if self.kind == "q4":
            blocks = w.reshape(rows, columns // 32, 32)
            at = np.abs(blocks).argmax(axis=-1, keepdims=True)
            scale = np.take_along_axis(blocks, at, axis=-1) / -8
            codes = np.clip(np.round(blocks / np.where(scale == 0, 1, scale)) + 8, 0, 15).astype(np.uint8)
            packed = codes[..., 0::2] | codes[..., 1::2] << 4
            inputs = [x, self.weight(name, packed), self.weight(f"{name}.scale", scale.reshape(-1).astype(np.float32))]
            return self.node(
                "MatMulNBits", inputs, domain=MICROSOFT, K=columns, N=rows, bits=4, block_size=32, accuracy_level=4
            )
        scale = np.abs(w).max(axis=1) / 127
        codes = np.round(w / scale[:, None]).astype(np.int8).T
        inputs = [x, self.weight(name, codes), self.weight(f"{name}.scale", scale.astype(np.float32))]
        return self.node("DynamicQuantizeMatMul", inputs, domain=MICROSOFT)


def write(kind, tensor):
    g = Graph(kind)
    angles = np.outer(np.arange(4096), config["rope_theta"] ** (-np.arange(0, dim, 2) / dim))
    cos, sin = (g.weight(name, f(angles).astype(np.float32)) for name, f in (("cos", np.cos), ("sin", np.sin)))
    embedding = tensor("model.embed_tokens.weight")
    x = g.node("Gather", [g.weight("embedding", embedding), "input_ids"])
    value = helper.make_tensor_value_info
    inputs = [
        value("input_ids", TensorProto.INT64, ["batch", "new"]),
        value("seqlens_k", TensorProto.INT32, ["batch"]),
        value("total_sequence_length", TensorProto.INT32, []),
    ]
    outputs = [value("logits", TensorProto.FLOAT, ["batch", vocabulary])]
    delta = None
    for layer in range(layers):

        def part(name, layer=layer):
            return f"model.layers.{layer}.{name}.weight"

        def norm(x, delta, name):
            gamma = g.weight(name, tensor(name))
            if delta is None:
                return g.node("SimplifiedLayerNormalization", [x, gamma], epsilon=eps, axis=-1), x
            normed, _, _, total = g.node(
                "SkipSimplifiedLayerNormalization", [x, delta, gamma], 4, domain=MICROSOFT, epsilon=eps
            )
            return normed, total

        h, x = norm(x, delta, part("input_layernorm"))
        q, k, v = (g.linear(h, part(n), tensor(part(n))) for n in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"))
        past = [f"past.{layer}.{n}" for n in ("key", "value")]
        present = [f"present.{layer}.{n}" for n in ("key", "value")]
        attended = f"attended.{layer}"
        g.node(
            "GroupQueryAttention",
            [q, k, v, *past, "seqlens_k", "total_sequence_length", cos, sin],
            [attended, *present],
            domain=MICROSOFT,
            num_heads=heads,
            kv_num_heads=groups,
            do_rotary=1,
        )
        inputs += [value(n, TensorProto.FLOAT, ["batch", groups, "past", dim]) for n in past]
        outputs += [value(n, TensorProto.FLOAT, ["batch", groups, "total", dim]) for n in present]
        delta = g.linear(attended, part("self_attn.o_proj"), tensor(part("self_attn.o_proj")))
        h, x = norm(x, delta, part("post_attention_layernorm"))
        gate = g.linear(h, part("mlp.gate_proj"), tensor(part("mlp.gate_proj")))
        up = g.linear(h, part("mlp.up_proj"), tensor(part("mlp.up_proj")))
        silu = g.node("Mul", [gate, g.node("Sigmoid", [gate])])
        delta = g.linear(g.node("Mul", [silu, up]), part("mlp.down_proj"), tensor(part("mlp.down_proj")))
    total = g.node("Add", [x, delta])
    last = g.node("Gather", [total, g.weight("last", np.array(-1, np.int64))], axis=1)
    gamma = g.weight("model.norm.weight", tensor("model.norm.weight"))
    h = g.node("SimplifiedLayerNormalization", [last, gamma], epsilon=eps, axis=-1)
    g.node("Identity", [g.linear(h, "head", embedding)], ["logits"])
    g.file.close()
    graph = helper.make_graph(g.nodes, kind, inputs, outputs, g.weights)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), target / f"{kind}.onnx")


target.mkdir(parents=True, exist_ok=True)
with safe_open(source / "model.safetensors", "pt") as file:
    for kind in ("q4", "int8"):
        write(kind, lambda name: file.get_tensor(name).float().numpy())
