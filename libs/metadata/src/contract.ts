export type { ContractCase, ContractHarness } from "./contract/contract-harness.ts";
export { metadataLogContract } from "./contract/metadata-log-contract.ts";
