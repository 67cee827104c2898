export { compilePattern, literalPattern, patternOf } from "./compile-pattern.ts";
