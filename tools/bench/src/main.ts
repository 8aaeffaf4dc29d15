import { writeFileSync } from "node:fs";
import { findScenarios } from "./harness/find-scenarios.ts";
import { garbageCollector } from "./harness/garbage.ts";
import { type Options, readOptions } from "./harness/options.ts";
import { drawPicture } from "./harness/picture.ts";
import { describeMachine, formatRow, type ScenarioResult } from "./harness/report.ts";
import { type RowResult, runRow } from "./harness/run-row.ts";
import type { Scenario } from "./harness/scenario.ts";

async function main(options: Options): Promise<void> {
  const scenarios = (await findScenarios()).filter((scenario) => isChosen(scenario, options.only));
  if (scenarios.length === 0) throw new Error(`no scenario is called ${options.only.join(" or ")}`);
  const print = options.json === "-" ? () => {} : (text: string) => console.log(text);
  if (options.list) {
    for (const { name, description } of scenarios) console.log(`${name}: ${description}`);
    return;
  }
  const machine = describeMachine();
  print(`Node.js ${machine.node}, ${machine.cpu}, ${machine.cores} cores, ${machine.platform}`);
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) results.push(await runScenario(scenario, options, print));
  if (options.picture !== undefined) {
    const caption = `Node.js ${machine.node}, ${machine.cores} cores of ${machine.cpu}, ${new Date().toISOString().slice(0, 10)}`;
    writeFileSync(options.picture, drawPicture(results, caption));
  }
  if (options.json !== undefined) {
    writeJson(options.json, { machine, quick: options.effort.quick, scenarios: results });
  }
}

function isChosen(scenario: Scenario, only: readonly string[]): boolean {
  return only.length === 0 || only.some((part) => scenario.name.includes(part));
}

async function runScenario(
  scenario: Scenario,
  { effort }: Options,
  print: (text: string) => void,
): Promise<ScenarioResult> {
  print(`\n${scenario.name}: ${scenario.description}`);
  const collectGarbage = garbageCollector();
  const rows: RowResult[] = [];
  for await (const row of scenario.rows(effort)) {
    const result = await runRow(row, effort, collectGarbage);
    print(formatRow(result));
    rows.push(result);
  }
  return { name: scenario.name, description: scenario.description, rows };
}

function writeJson(target: string, report: unknown): void {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (target === "-") process.stdout.write(text);
  else writeFileSync(target, text);
}

await main(readOptions(process.argv.slice(2)));
