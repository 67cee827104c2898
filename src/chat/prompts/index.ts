export { type FewShotExample, type FewShotPromptOptions, fewShotMessages, fewShotPrompt } from "./few-shot.ts";
export { type FieldsOf, type FieldValues, type InstructionTemplate, instructionTemplate } from "./instruction-template.ts";
export { type Persona, personaPrompt, withPersona } from "./persona.ts";
