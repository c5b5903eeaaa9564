import { shellQuoted } from '../file/path.ts';
import type { Call, Command, CommandOption } from './command.ts';
import { printRaw } from './output.ts';

const SHELLS = ['bash', 'zsh', 'fish'];

/** The options that every command has, of which `--db` only those about a file. */
const COMMON: Readonly<Record<string, string | CommandOption>> = {
  '--db <path>': 'the database file',
  '--json': 'print one JSON document',
  '--help': 'display help',
};

/** Returns the command `completion`, which prints what a shell needs to complete the words of this command line. */
export function completion(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    group: 'Shell',
    description: 'print the completion of this command line for a shell: bash, zsh or fish',
    arguments: { '<shell>': 'bash, zsh or fish' },
    help: 'Put the line for your shell into ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.',
    examples: [
      'completion bash   # eval "$({command} completion bash)"',
      'completion zsh    # eval "$({command} completion zsh)"',
      'completion fish   # {command} completion fish | source',
    ],
    hasFile: false,
    run(call: Call) {
      const [shell = ''] = call.args;
      if (!SHELLS.includes(shell))
        call.refuse(`there is no completion for ${JSON.stringify(shell)}: ${SHELLS.join(', ')}`);
      const script = { bash, zsh, fish }[shell as 'bash' | 'zsh' | 'fish'](call.command, commands());
      if (call.json) call.print({ shell, script }, '');
      else printRaw(script.trimEnd());
    },
  };
}

/** Returns the options of a command with their descriptions, e.g. `--to` of `--to <file>`. */
function optionsOf({ options = {}, hasFile = true }: Command): [name: string, description: string][] {
  return Object.entries({ ...options, ...COMMON })
    .map(([form, option]): [string, string] => [
      form.split(' ')[0] ?? form,
      typeof option === 'string' ? option : option.description,
    ])
    .filter(([name]) => hasFile || name !== '--db');
}

/** Returns the name of a shell function for a command line. */
function functionName(command: string): string {
  return `_${command.replaceAll(/\W/g, '_')}`;
}

function bash(command: string, commands: readonly Command[]): string {
  const name = functionName(command);
  const cases = commands.map(
    (each) =>
      `    ${each.name}) words="${optionsOf(each)
        .map(([option]) => option)
        .join(' ')}" ;;`,
  );
  return `${name}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((each) => each.name).join(' ')}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  if [[ "$word" == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$word")); else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F ${name} ${command}
`;
}

function zsh(command: string, commands: readonly Command[]): string {
  const name = functionName(command);
  const described = (text: string) => text.replaceAll(':', '\\:').replaceAll('[', '\\[').replaceAll(']', '\\]');
  const list = commands.map((each) => `    ${shellQuoted(`${each.name}:${described(each.description)}`)}`);
  const cases = commands.map((each) => {
    const options = optionsOf(each).map(([option, what]) => shellQuoted(`${option}[${described(what)}]`));
    return `    ${each.name}) _arguments ${options.join(' ')} '*:file:_files' ;;`;
  });
  return `#compdef ${command}
${name}() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local chosen=$words[2]
  shift words
  (( CURRENT-- ))
  case $chosen in
${cases.join('\n')}
  esac
}
compdef ${name} ${command}
`;
}

function fish(command: string, commands: readonly Command[]): string {
  const text = (value: string) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  return commands
    .flatMap((each) => [
      `complete -c ${command} -n __fish_use_subcommand -a ${each.name} -d ${text(each.description)}`,
      ...optionsOf(each).map(
        ([option, what]) =>
          `complete -c ${command} -n '__fish_seen_subcommand_from ${each.name}' -l ${option.slice(2)} -d ${text(what)}`,
      ),
    ])
    .join('\n');
}
