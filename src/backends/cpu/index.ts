export { createCpuBackend } from "./backend.ts";
