/**
 * Indices of the greatest `count` values, greatest first, in the very order in which `torch.topk` gives them on the CPU.
 * Among equal values that order is neither the first nor the last index: it follows from the selection algorithms of
 * the C++ standard library (libstdc++'s partial_sort for few of many, else nth_element and sort), which are done here
 * step by step. NaN counts as greatest.
 *
 * Source: torch 2.13, `ATen/native/TopKImpl.h`; the algorithms are those of ISO C++ as libstdc++ documents them.
 */
export function torchTopK(values: Float32Array, count: number): Int32Array {
  const k = Math.min(count, values.length);
  if (k === 0) return new Int32Array(0);
  if (k * 64 <= values.length) return partialSort(values, k);
  const order = Int32Array.from(values, (_, index) => index);
  const selection = new Selection(values, order);
  selection.nthElement(k - 1);
  selection.sort(0, k - 1);
  return order.slice(0, k);
}

/** True where value `x` goes before value `y`. */
function precedes(x: number, y: number): boolean {
  return x > y || (Number.isNaN(x) && !Number.isNaN(y));
}

function partialSort(values: Float32Array, k: number): Int32Array {
  const heap = new Int32Array(k);
  for (let i = 0; i < k; i++) heap[i] = i;
  for (let parent = (k - 2) >> 1; parent >= 0; parent--) adjustHeap(values, heap, 0, parent, k, heap[parent]!);
  let least = values[heap[0]!]!;
  for (let i = k; i < values.length; i++) {
    const value = values[i]!;
    if (!(value > least) && !precedes(value, least)) continue;
    adjustHeap(values, heap, 0, 0, k, i);
    least = values[heap[0]!]!;
  }
  sortHeap(values, heap, 0, k);
  return heap;
}

/** Moves the hole down to a leaf, then `index` up from there. */
function adjustHeap(values: Float32Array, order: Int32Array, first: number, hole: number, length: number, index: number): void {
  const top = hole;
  let child = hole;
  while (child < (length - 1) >> 1) {
    child = 2 * (child + 1);
    if (precedes(values[order[first + child]!]!, values[order[first + child - 1]!]!)) child--;
    order[first + hole] = order[first + child]!;
    hole = child;
  }
  if ((length & 1) === 0 && child === (length - 2) >> 1) {
    child = 2 * (child + 1);
    order[first + hole] = order[first + child - 1]!;
    hole = child - 1;
  }
  const value = values[index]!;
  let parent = (hole - 1) >> 1;
  while (hole > top && precedes(values[order[first + parent]!]!, value)) {
    order[first + hole] = order[first + parent]!;
    hole = parent;
    parent = (hole - 1) >> 1;
  }
  order[first + hole] = index;
}

function sortHeap(values: Float32Array, order: Int32Array, first: number, last: number): void {
  for (let end = last - 1; end > first; end--) {
    const index = order[end]!;
    order[end] = order[first]!;
    adjustHeap(values, order, first, 0, end - first, index);
  }
}

/** nth_element and sort on indices, [first, last). */
class Selection {
  readonly #values: Float32Array;
  readonly #order: Int32Array;

  constructor(values: Float32Array, order: Int32Array) {
    this.#values = values;
    this.#order = order;
  }

  nthElement(nth: number): void {
    let first = 0;
    let last = this.#order.length;
    for (let depth = 2 * log2(last); last - first > 3; depth--) {
      if (depth === 0) {
        this.#heapSelect(first, nth + 1, last);
        this.#swap(first, nth);
        return;
      }
      const cut = this.#partitionAroundPivot(first, last);
      if (cut <= nth) first = cut;
      else last = cut;
    }
    this.#insertionSort(first, last);
  }

  sort(first: number, last: number): void {
    if (first === last) return;
    this.#introsort(first, last, 2 * log2(last - first));
    const threshold = 16;
    if (last - first <= threshold) {
      this.#insertionSort(first, last);
      return;
    }
    this.#insertionSort(first, first + threshold);
    for (let i = first + threshold; i < last; i++) this.#insert(i);
  }

  #introsort(first: number, last: number, depth: number): void {
    while (last - first > 16) {
      if (depth === 0) {
        this.#heapSelect(first, last, last);
        sortHeap(this.#values, this.#order, first, last);
        return;
      }
      depth--;
      const cut = this.#partitionAroundPivot(first, last);
      this.#introsort(cut, last, depth);
      last = cut;
    }
  }

  #heapSelect(first: number, middle: number, last: number): void {
    const length = middle - first;
    const order = this.#order;
    for (let parent = (length - 2) >> 1; parent >= 0; parent--) {
      adjustHeap(this.#values, order, first, parent, length, order[first + parent]!);
    }
    for (let i = middle; i < last; i++) {
      if (!this.#before(i, first)) continue;
      const index = order[i]!;
      order[i] = order[first]!;
      adjustHeap(this.#values, order, first, 0, length, index);
    }
  }

  #partitionAroundPivot(first: number, last: number): number {
    this.#medianToFirst(first, first + 1, first + ((last - first) >> 1), last - 1);
    let low = first + 1;
    let high = last;
    for (;;) {
      while (this.#before(low, first)) low++;
      high--;
      while (this.#before(first, high)) high--;
      if (low >= high) return low;
      this.#swap(low, high);
      low++;
    }
  }

  #medianToFirst(result: number, a: number, b: number, c: number): void {
    if (this.#before(a, b)) {
      if (this.#before(b, c)) this.#swap(result, b);
      else this.#swap(result, this.#before(a, c) ? c : a);
    } else if (this.#before(a, c)) this.#swap(result, a);
    else this.#swap(result, this.#before(b, c) ? c : b);
  }

  #insertionSort(first: number, last: number): void {
    for (let i = first + 1; i < last; i++) {
      if (!this.#before(i, first)) {
        this.#insert(i);
        continue;
      }
      const index = this.#order[i]!;
      this.#order.copyWithin(first + 1, first, i);
      this.#order[first] = index;
    }
  }

  /** Moves entry `at` down to its place; something before it stops it. */
  #insert(at: number): void {
    const index = this.#order[at]!;
    const value = this.#values[index]!;
    while (precedes(value, this.#values[this.#order[at - 1]!]!)) {
      this.#order[at] = this.#order[at - 1]!;
      at--;
    }
    this.#order[at] = index;
  }

  #before(a: number, b: number): boolean {
    return precedes(this.#values[this.#order[a]!]!, this.#values[this.#order[b]!]!);
  }

  #swap(a: number, b: number): void {
    const index = this.#order[a]!;
    this.#order[a] = this.#order[b]!;
    this.#order[b] = index;
  }
}

function log2(n: number): number {
  return 31 - Math.clz32(n);
}
