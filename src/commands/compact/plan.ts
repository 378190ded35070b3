import { Command } from 'commander';
import { planJson } from '../../core/retention/plan-json.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { writeFileWhole } from '../write-file.ts';
import type { CompactFlags } from './compact-options.ts';
import { addRetentionOptions, parseApply, retentionSettings } from './compact-options.ts';
import { wantsSentences } from './consent.ts';
import { openEngine } from './open-engine.ts';
import { planCompaction } from './plan-compaction.ts';
import { showPlan } from './show-plan.ts';

type PlanFlags = CompactFlags & { readonly output?: string };

export function planCommand(runtime: CommandRuntime): Command {
  const command = new Command('plan')
    .description('make the plan and keep it as a file, for compact apply')
    .option('-o, --output <file>', 'the file (default: stdout)');
  return addRetentionOptions(command).action(runtime.action(runPlan));
}

const runPlan: Run<PlanFlags> = async (context, _args, _flags, command) => {
  const flags = command.optsWithGlobals<PlanFlags>();
  const settings = retentionSettings(flags, context.settings.config);
  const engine = await openEngine(context);
  const planned = await planCompaction(context, engine, settings, flags.only);
  const document = planJson(planned.plan, planned.summary, {
    createdAtMs: context.io.now(),
    indexDigest: planned.index.origin.digest ?? '',
  });
  const chunks = async function* (): AsyncGenerator<string> {
    yield* document;
  };
  if (flags.output === undefined || flags.output === '-') {
    await context.write(chunks());
    return undefined;
  }
  await writeFileWhole(flags.output, chunks());
  if (wantsSentences(context)) await showPlan(context, planned, parseApply(flags));
  context.log.info('wrote the plan', {
    file: flags.output,
    deletions: planned.summary.byFate.delete.segments,
  });
  return undefined;
};
