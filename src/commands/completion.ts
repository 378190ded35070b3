import { Argument, Command } from 'commander';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

/**
 * `completion SHELL` prints a script that asks `segctl complete` at each tab. `freshProgram` gives
 * a command tree of its own to read, since the library adds commands to the one that it is given.
 */
export function completionCommands(freshProgram: () => Command): Command[] {
  return [
    new Command('completion')
      .description('print a completion script, to be sourced by the shell')
      .addArgument(new Argument('<shell>', 'the shell').choices([...SHELLS]))
      .addHelpText('after', '\nFor bash: source <(segctl completion bash)')
      .action(async (shell: string) => {
        const { script } = await import('@bomb.sh/tab');
        script(shell, 'segctl', 'segctl');
      }),
    new Command('complete')
      .argument('[words...]')
      .allowUnknownOption()
      .action(async (words: string[]) => {
        const { default: tab } = await import('@bomb.sh/tab/commander');
        tab(freshProgram(), { completionCommandName: 'completion' }).parse(words);
      }),
  ];
}
