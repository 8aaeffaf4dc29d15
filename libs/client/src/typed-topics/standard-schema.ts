/**
 * What a validator has to have: Standard Schema 1 (https://standardschema.dev), which zod, Valibot, ArkType and others
 * implement.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** How libraries call the schema: version, vendor and `validate`. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => ValidationResult<Output> | Promise<ValidationResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The value that a validator accepts, or what is wrong with it. */
export type ValidationResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly ValidationIssue[] };

/** One thing that is wrong, and where in the value. */
export interface ValidationIssue {
  /** What is wrong, in words. */
  readonly message: string;
  /** Where it is wrong, from the outermost property in; absent for the whole. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A value that its schema does not accept. */
export class SchemaError extends Error {
  /** Always `"SchemaError"`. */
  override readonly name = "SchemaError";
  /** What the schema found wrong. */
  readonly issues: readonly ValidationIssue[];

  constructor(issues: readonly ValidationIssue[]) {
    super(issues.map(describeIssue).join("; "));
    this.issues = issues;
  }
}

/** The value as the schema gives it. @throws SchemaError; TypeError for a schema that wants to be waited for */
export function validate<Output>(schema: StandardSchema<unknown, Output>, value: unknown): Output {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new TypeError("the schema validates asynchronously, which records cannot wait for: use a synchronous one");
  }
  if (result.issues !== undefined) throw new SchemaError(result.issues);
  return result.value;
}

function describeIssue({ path = [], message }: ValidationIssue): string {
  const where = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return where === "" ? message : `${where}: ${message}`;
}
