/** Why a request of a member is refused. */
export interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string;
}

export function refusal(errorCode: number, errorMessage: string): Refusal {
  return { errorCode, errorMessage };
}
