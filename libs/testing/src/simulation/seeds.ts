/** The seeds of a run: `OTTLA_TEST_SEED` replays one; `OTTLA_TEST_SEEDS` says how many are tried, `standard` by default. */
export function seedsOf(standard: number): { readonly seeds: readonly number[]; readonly isReplay: boolean } {
  const { OTTLA_TEST_SEED: one, OTTLA_TEST_SEEDS: many } = process.env;
  if (one !== undefined) return { seeds: [Number(one)], isReplay: true };
  return { seeds: Array.from({ length: Number(many ?? standard) }, (_, index) => index + 1), isReplay: false };
}
