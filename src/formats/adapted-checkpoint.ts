import type { Checkpoint } from "./checkpoint.ts";

const prefix = "adapter:";

/** What a tensor of an adapter is called where it stands beside those of the model. */
export function adapterTensorName(name: string): string {
  return prefix + name;
}

/** Whether a tensor is an adapter's, by its name beside those of the model. */
export function isAdapterTensor(name: string): boolean {
  return name.startsWith(prefix);
}

/** A model's checkpoint with the tensors of an adapter beside its own. Closing it closes both. */
export function withAdapter(base: Checkpoint, adapter: Checkpoint): Checkpoint {
  const inner = (name: string) => (isAdapterTensor(name) ? name.slice(prefix.length) : undefined);
  const tensors = [
    ...base.tensors(),
    ...adapter.tensors().map((tensor) => ({ ...tensor, name: adapterTensorName(tensor.name) })),
  ];
  return {
    ...(base.declaredDtype !== undefined && { declaredDtype: base.declaredDtype }),
    tensors: () => tensors,
    locate(name) {
      const own = inner(name);
      return own === undefined ? base.locate(name) : adapter.locate(own);
    },
    read(name) {
      const own = inner(name);
      return own === undefined ? base.read(name) : adapter.read(own);
    },
    async close() {
      await Promise.all([base.close(), adapter.close()]);
    },
  };
}
