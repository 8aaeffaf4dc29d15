import type { Command } from "commander";
import { type ConnectionOptions, connectionOf, withConnection } from "../connection.ts";
import { EXIT_FAILED } from "../exit.ts";

export function addDoctorCommand(program: Command): void {
  withConnection(program.command("doctor"))
    .description("Connect as a client would, and say in plain words what is wrong.")
    .option("--json", "print JSON")
    .action(async (options: ConnectionOptions & { readonly json?: boolean }) => {
      const { json } = options;
      const { examine } = await import("../doctor/examine.ts");
      const { printFindings } = await import("../doctor/findings.ts");
      const findings = [];
      for await (const finding of examine(await connectionOf(options))) {
        findings.push(finding);
        if (!json) printFindings([finding]);
      }
      if (json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      if (findings.some(({ level }) => level === "bad")) process.exitCode = EXIT_FAILED;
    });
}
