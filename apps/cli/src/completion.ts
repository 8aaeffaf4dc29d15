import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What can follow a command: its subcommands and options. */
interface Node {
  /** The words that lead there: `groups reset-offsets`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly { readonly flag: string; readonly about: string }[];
}

/** A script for a shell that completes what the program has, as it is now. */
export function completionScript(shell: Shell, program: Command): string {
  const nodes = nodesOf(program, "");
  if (shell === "fish") return fish(program.name(), nodes);
  const bash = bashFunction(program.name(), nodes);
  if (shell === "bash") return `${bash}complete -F _${program.name()} ${program.name()}\n`;
  return `autoload -U +X bashcompinit && bashcompinit\n${bash}complete -F _${program.name()} ${program.name()}\n`;
}

function nodesOf(command: Command, path: string): Node[] {
  const commands = command.commands.map((each) => ({ name: each.name(), about: each.description() }));
  const options = command.options.flatMap(({ long, description }) =>
    long ? [{ flag: long, about: description }] : [],
  );
  const below = command.commands.flatMap((each) => nodesOf(each, `${path} ${each.name()}`.trim()));
  return [{ path, commands, options: [...options, { flag: "--help", about: "show help" }] }, ...below];
}

/** The words before the cursor, without options, are the path. */
function bashFunction(name: string, nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, commands, options }) => {
    const words = [...commands.map((each) => each.name), ...options.map(({ flag }) => flag)].join(" ");
    return `    "${path}") words="${words}" ;;`;
  });
  return `_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case "$path" in
${cases.map((line) => `  ${line}`).join("\n")}
    esac
    if [ -n "$words" ] || [ -z "$path" ]; then break; fi
    case "$path" in *" "*) path="\${path% *}" ;; *) path="" ;; esac
  done
  COMPREPLY=( $(compgen -W "$words" -- "$current") )
}
`;
}

function fish(name: string, nodes: readonly Node[]): string {
  const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = nodes.flatMap(({ path, commands, options }) => {
    const names = commands.map((each) => each.name).join(" ");
    const seen = path
      .split(" ")
      .filter(Boolean)
      .map((word) => `__fish_seen_subcommand_from ${word}`);
    const condition = [...seen, ...(names === "" ? [] : [`not __fish_seen_subcommand_from ${names}`])].join("; and ");
    const when = condition === "" ? "" : ` -n ${quote(condition)}`;
    return [
      ...commands.map((each) => `complete -c ${name} -f${when} -a ${each.name} -d ${quote(each.about)}`),
      ...options.map(({ flag, about }) => `complete -c ${name}${when} -l ${flag.slice(2)} -d ${quote(about)}`),
    ];
  });
  return `${lines.join("\n")}\n`;
}
