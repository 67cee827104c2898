import type { Schema } from "./schemas.ts";

/**
 * One option, declared once. What it is called, how it is checked, its default and its text all come from here: the settings'
 * types, the command line, the tables of docs/generation.md and the JSON schema of the wire.
 */
export interface OptionDefinition<Name extends string = string, Value = unknown, Required extends boolean = boolean> {
  /** In camelCase; snake_case in files and on the wire. */
  readonly name: Name;
  /** Checks the type and range; may turn what is given into another form. */
  readonly schema: Schema<Value>;
  /** Value where nothing sets it. Null: unset, or off. */
  readonly default: Value | null;
  /** One or two sentences for documentation and help. */
  readonly description: string;
  /** `null` gives the default, so that there always is a value. Otherwise null is kept: unset, or off. */
  readonly required?: Required;
  /** It has an effect only where tokens are drawn at random. */
  readonly sampling?: boolean;
  /**
   * Values that a call may not have, and that transformers takes for "off" where a model's files hold them: it compares before it
   * checks.
   */
  readonly offInFiles?: (value: unknown) => boolean;
  /**
   * Whether the other settings leave this one without effect, so that a wrong value in a model's files is never looked at.
   * Default: where it is for `sampling`, and nothing is sampled.
   */
  readonly idle?: (settings: { readonly [option: string]: unknown }, value: unknown) => boolean;
  /** The value holds functions or objects of the process: an option of a call, never of a file or of the wire. */
  readonly callOnly?: boolean;
  /** The flag of commands that generate; absent: they have none. */
  readonly flag?: OptionFlag;
}

/** How an option is given on the command line. The flag's name follows from the option's: `topP` is `--top-p`. */
export interface OptionFlag {
  /** Stands for the value in help, such as "n". Options that are true or false have none. */
  readonly value?: string;
  /** Another name than the option's, in kebab-case. */
  readonly name?: string;
  /** Help in place of the option's description. */
  readonly help?: string;
}

/** The type of an option's decided value. */
export type OptionValue<Definition> =
  Definition extends OptionDefinition<string, infer Value, infer Required>
    ? Required extends true
      ? Value
      : Value | null
    : never;
