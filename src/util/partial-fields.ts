/** Fields that may be left out, or be `undefined`, which means the same. */
export type PartialFields<Fields> = { [Name in keyof Fields]?: Fields[Name] | undefined };
