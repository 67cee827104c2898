/** `max_new_tokens` → `maxNewTokens`; a digit counts as a letter: `no_top_2` → `noTop2`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `maxNewTokens` → `max_new_tokens` */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
