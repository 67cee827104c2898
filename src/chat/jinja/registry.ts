import { type Filter, filter } from "./filter.ts";
import { htmlFilters } from "./html-filters.ts";
import { listFilters } from "./list-filters.ts";
import { numberFilters } from "./number-filters.ts";
import { selectionFilters } from "./selection-filters.ts";
import { plainTests } from "./tests.ts";
import { textFilters } from "./text-filters.ts";
import { textOf, type Value } from "./values.ts";

const lookup = { filter: (name: string) => filters.get(name), test: (name: string) => tests.get(name) };
const isNamed = (names: ReadonlyMap<string, Filter>, value: Value | undefined) =>
  value !== undefined && names.has(textOf(value) ?? "\0");

/** All filters by name. */
export const filters: ReadonlyMap<string, Filter> = new Map([
  ...textFilters,
  ...listFilters,
  ...numberFilters,
  ...htmlFilters,
  ...selectionFilters(lookup),
]);

/** All tests by name. */
export const tests: ReadonlyMap<string, Filter> = new Map([
  ...plainTests,
  filter("filter", "value", (_, [name]) => isNamed(filters, name)),
  filter("test", "value", (_, [name]) => isNamed(tests, name)),
]);
