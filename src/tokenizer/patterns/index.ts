export { compilePattern, patternOf } from "./compile-pattern.ts";
export { checkGrowth, expressionPattern, literalPattern, type TextPattern } from "./text-pattern.ts";
