import { writeFileSync } from "node:fs";
import { chosenScenarios, findScenarios } from "./harness/find-scenarios.ts";
import { garbageCollector } from "./harness/garbage.ts";
import { type Options, readOptions, UsageError } from "./harness/options.ts";
import { drawPicture } from "./harness/picture.ts";
import { describeMachine, formatRow, formatSeconds, type ScenarioResult } from "./harness/report.ts";
import { type RowResult, runRow } from "./harness/run-row.ts";
import { RunTime } from "./harness/run-time.ts";
import type { Effort, Scenario } from "./harness/scenario.ts";

async function main(options: Options): Promise<void> {
  const scenarios = chosenScenarios(await findScenarios(), options);
  const print = options.json === "-" ? () => {} : (text: string) => console.log(text);
  if (options.list) {
    for (const { name, description } of scenarios) console.log(`${name}: ${description}`);
    return;
  }
  const machine = describeMachine();
  const bufferutil = `bufferutil is ${machine.hasBufferutil ? "there" : "absent"}`;
  print(`Node.js ${machine.node}, ${machine.cpu}, ${machine.cores} cores, ${machine.platform}; ${bufferutil}`);
  const planned = quietSeconds(scenarios, options.effort);
  print(`About ${formatSeconds(planned)} where nothing else runs.`);
  const time = new RunTime(options.limits, planned);
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    time.begin(quietSeconds([scenario], options.effort));
    if (time.isOver) {
      print(`\nSKIPPED: ${scenario.name}: the time of the run is over`);
      continue;
    }
    results.push(await runScenario(scenario, options, time, print));
  }
  print(`\nIt took ${formatSeconds(time.elapsedSeconds)}.`);
  if (options.picture !== undefined) {
    const caption = `Node.js ${machine.node}, ${machine.cores} cores of ${machine.cpu}, ${new Date().toISOString().slice(0, 10)}`;
    writeFileSync(options.picture, drawPicture(results, caption));
  }
  if (options.json !== undefined) {
    writeJson(options.json, { machine, quick: options.effort.quick, scenarios: results });
  }
}

function quietSeconds(scenarios: readonly Scenario[], { quick, soakMinutes }: Effort): number {
  const planned = scenarios.reduce((sum, scenario) => sum + scenario.quietSeconds[quick ? "quick" : "full"], 0);
  return planned + (scenarios.some(({ name }) => name === "sustained") ? soakMinutes * 60 : 0);
}

async function runScenario(
  scenario: Scenario,
  { effort }: Options,
  time: RunTime,
  print: (text: string) => void,
): Promise<ScenarioResult> {
  print(`\n${scenario.name}: ${scenario.description}`);
  const startedMs = performance.now();
  const collectGarbage = garbageCollector();
  const rows: RowResult[] = [];
  for await (const row of scenario.rows(effort)) {
    if (time.isOver) {
      print(`  SKIPPED: ${row.name}, and what comes after it: its time is over`);
      for (const contestant of row.contestants) await contestant.close?.();
      break;
    }
    const result = await runRow(row, effort, collectGarbage, time);
    print(formatRow(result));
    rows.push(result);
  }
  print(`  took ${formatSeconds((performance.now() - startedMs) / 1_000)}`);
  return { name: scenario.name, description: scenario.description, rows };
}

function writeJson(target: string, report: unknown): void {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (target === "-") process.stdout.write(text);
  else writeFileSync(target, text);
}

try {
  await main(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}
