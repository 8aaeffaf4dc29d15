import { ErrorCode } from "@ottla/protocol";

/** PRODUCER_FENCED came later than the APIs of transactions: in versions before, clients know another code for it. */
export function fencedErrno(errorCode: number, apiVersion: number, firstVersionWithFenced: number): number {
  const isUnknown = errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < firstVersionWithFenced;
  return isUnknown ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode;
}
