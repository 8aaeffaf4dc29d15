// By a star: esbuild puts into the first chunk whatever a module reaches that names something in use. A star names
// nothing, so what is exported below stays with the transactions, unless the page uses it itself.
export * from "./at-once.ts";
export { transactionErrorKind } from "./transactions/transaction-errors.ts";
