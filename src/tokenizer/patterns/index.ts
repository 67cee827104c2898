export { compilePattern, patternOf } from "./compile-pattern.ts";
export { expressionPattern, literalPattern, type TextPattern } from "./text-pattern.ts";
