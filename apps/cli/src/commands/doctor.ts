import type { Command } from "commander";
import { EXIT_FAILED } from "../exit.ts";
import { withBootstrap } from "../options.ts";

export function addDoctorCommand(program: Command): void {
  withBootstrap(program.command("doctor"))
    .description("Connect as a client would, and say in plain words what is wrong.")
    .option("--json", "print JSON")
    .action(async ({ bootstrap, json }: { readonly bootstrap: string; readonly json?: boolean }) => {
      const { examine } = await import("../doctor/examine.ts");
      const { printFindings } = await import("../doctor/findings.ts");
      const findings = [];
      for await (const finding of examine(bootstrap)) {
        findings.push(finding);
        if (!json) printFindings([finding]);
      }
      if (json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      if (findings.some(({ level }) => level === "bad")) process.exitCode = EXIT_FAILED;
    });
}
