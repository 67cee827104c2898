import { streamWords } from "../../tensor/storages/bit-stream.ts";
import type { PackedStorage } from "../../tensor/storages/packed.ts";
import type { Scaled8Storage } from "../../tensor/storages/scaled8.ts";
import { warnOnce } from "../../util/warnings.ts";
import { saysInputs, schemesOf, type WeightScheme } from "./compressed-tensors-config.ts";
import { float8Storage } from "./fp8.ts";
import { moduleOf } from "./gptq.ts";
import type { QuantisationMethod, StoredTensor, TensorLookup } from "./method.ts";
import { checkGroups, checkScales, checkShape, checkTensor, findAll, sizesIn } from "./stored-tensors.ts";

type Missing = { missing: readonly string[] };

/**
 * compressed-tensors: a matrix "m.weight" is stored as packed integers "m.weight_packed" with "m.weight_shape", or as int8 or
 * float8 under its own name; beside it are "m.weight_scale", "m.weight_zero_point" where it is not symmetric, "m.weight_g_idx"
 * where columns are ordered by activation, and "m.input_scale" for inputs with one scale, which stay floats here. Modules that no group targets, or that
 * `ignore` names, are plain. Which of the layouts it is, the tensors show; a group's numbers say what the bits mean.
 * Source: vllm-project/compressed-tensors.
 */
export const compressedTensors: QuantisationMethod = {
  name: "compressed-tensors",
  reads: (tensor) => /\.(weight_shape|weight_g_idx)$/.test(tensor),
  open(config) {
    const schemeOf = schemesOf(config);
    if (saysInputs(config)) {
      warnOnce(
        "quantization_config of the checkpoint rounds the inputs of matrices to 8 bits (`input_activations`). They stay floats here, which loses nothing: logits differ a little from those of Python.",
      );
    }
    return (tensor, lookup) => {
      const module = moduleOf(tensor);
      const scheme = module === undefined ? undefined : schemeOf(module);
      if (module === undefined || scheme === undefined) return undefined;
      const found = packedTensor(module, scheme, lookup) ?? wholeBytes(module, tensor, scheme, lookup);
      return found === undefined || "missing" in found ? found : withInputScale(found, module, lookup);
    };
  },
};

/** Integers packed into words. */
function packedTensor(module: string, weights: WeightScheme, lookup: TensorLookup): StoredTensor | Missing | undefined {
  const { find, info, bytes, isInputsFirst } = lookup;
  if (find(`${module}.weight_packed`) === undefined) return undefined;
  const { bits, type, isSymmetric, isGrouped } = weights;
  const own = { codes: `${module}.weight_packed`, scales: `${module}.weight_scale`, shape: `${module}.weight_shape` };
  const zeros = isSymmetric ? {} : { zeros: `${module}.weight_zero_point` };
  const listed = isGrouped ? { groups: `${module}.weight_g_idx` } : {};
  const tensors = findAll({ ...own, ...zeros, ...listed } as PackedStorage["tensors"] & typeof own, lookup);
  if ("missing" in tensors) return tensors;
  const codes = info(tensors.codes);
  checkTensor(codes, type === "int", "the codes of a group of `type` int");
  const [rows, columns] = sizesIn(info(tensors.shape), bytes(tensors.shape));
  checkShape(codes, "int32", [rows, streamWords(columns, bits)]);
  const group = Math.min(weights.group, columns);
  const groups = Math.ceil(columns / group);
  const scales = info(tensors.scales);
  const isOneScale = groups === 1 && rows > 1 && scales.shape.join() === "1";
  const scaleType = checkScales(scales, [rows, groups], ...(groups === 1 ? [[1]] : []));
  if (tensors.zeros !== undefined) checkShape(info(tensors.zeros), "int32", [streamWords(rows, bits), groups]);
  const columnGroups = checkGroups(tensors.groups, lookup, columns, group, groups);
  return {
    tensor: tensors.codes.slice(0, -"_packed".length),
    storage: { kind: "packed", shape: [rows, columns], tensors, bits, group, isOneScale, scaleType, columnGroups },
    transposed: isInputsFirst(`${module}.weight`),
  };
}

/** Numbers of 8 bits, each a byte. */
function wholeBytes(
  module: string,
  tensor: string,
  { bits, type, isSymmetric, group: size, block }: WeightScheme,
  lookup: TensorLookup,
): StoredTensor | Missing | undefined {
  const { find, info } = lookup;
  const name = find(tensor);
  const dtype = name === undefined ? undefined : info(name).dtype;
  if (name === undefined || (dtype !== "int8" && dtype !== "float8_e4m3fn")) return undefined;
  const codes = info(name);
  const isFloat = dtype === "float8_e4m3fn";
  checkTensor(codes, type === (isFloat ? "float" : "int"), `the codes of a group of \`type\` ${type}`);
  const zeros = isSymmetric ? {} : { zeros: `${module}.weight_zero_point` };
  const scales = { scales: `${module}.weight_scale` };
  const found = findAll({ ...scales, ...zeros } as typeof scales & { zeros: string }, lookup);
  if ("missing" in found) return found;
  const tensors = { codes: name, ...found };
  if (isFloat) return { tensor: name, storage: float8Storage(tensors, codes, info(found.scales), block), transposed: false };
  checkTensor(codes, codes.shape.length === 2 && bits <= 8, "int8 [rows, columns]");
  const [rows, columns] = codes.shape as [number, number];
  const group = Math.min(size, columns);
  const grid = [rows, Math.ceil(columns / group)];
  const given = info(found.scales);
  const scaleType = checkScales(given, grid, ...(grid[1] === 1 ? [[1]] : []));
  const isOne = given.shape.length === 1;
  if (found.zeros !== undefined) checkShape(info(found.zeros), "int8", given.shape);
  const storage: Scaled8Storage = {
    ...{ kind: "scaled8", shape: codes.shape, tensors, table: "int8", scaleType },
    ...{ rowBlock: isOne ? rows : 1, columnBlock: group },
  };
  return { tensor: name, storage, transposed: false };
}

/** Adds the scale of a matrix's inputs, where the file has one. */
function withInputScale(stored: StoredTensor, module: string, { find }: TensorLookup): StoredTensor {
  const inputScale = find(`${module}.input_scale`);
  const { storage } = stored;
  if (inputScale === undefined) return stored;
  return { ...stored, storage: { ...storage, tensors: { ...storage.tensors, inputScale } } as typeof storage };
}
