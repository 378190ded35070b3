import { Argument, Command } from 'commander';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** `completion SHELL` prints a script that asks `segctl complete` at each tab. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print a completion script, to be sourced by the shell')
    .addArgument(new Argument('<shell>', 'the shell').choices([...SHELLS]))
    .addHelpText('after', '\nFor bash: source <(segctl completion bash)')
    .action(async (shell: string) => {
      const { script } = await import('@bomb.sh/tab');
      script(shell, 'segctl', 'segctl');
    });
}

/** What the script asks. `tree` is a command tree of its own, since the library changes it. */
export function completeCommand(tree: () => Promise<Command>): Command {
  return new Command('complete')
    .argument('[words...]')
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const { default: tab } = await import('@bomb.sh/tab/commander');
      tab(await tree(), { completionCommandName: 'completion' }).parse(words);
    });
}
