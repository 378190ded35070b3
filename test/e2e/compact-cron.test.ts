import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { cleanEnv } from '../support/run-segctl.ts';
import { makeNode, type Node, segment } from './compact-world.ts';

const run = promisify(execFile);
const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));
const BIN = fileURLToPath(new URL('../../bin/segctl.js', import.meta.url));

let node: Node;
let bin = '';

/** Many segments, all but the oldest young by any clock: 10% of them may go. */
const SEGMENTS = [
  segment('orders', 0, 0, 30),
  ...Array.from({ length: 19 }, (_, n) => segment('orders', 0, (n + 1) * 100, -36_500)),
];

beforeEach(async () => {
  node = await makeNode(SEGMENTS);
  bin = join(node.dataDir, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'segctl'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
  await chmod(join(bin, 'segctl'), 0o755);
});

afterEach(async () => {
  await node.remove();
});

async function shell(command: string): Promise<string> {
  const env = cleanEnv({ PATH: `${bin}:/usr/bin:/bin`, CHRONIK_DATA_DIR: node.dataDir });
  const { stdout, stderr } = await run('/bin/sh', ['-c', command], { env });
  return stdout + stderr;
}

const container = z.object({
  name: z.string(),
  command: z.tuple([z.literal('segctl')]),
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
});

/** The parts of batch/v1 CronJob that this manifest uses. */
const cronJob = z.object({
  apiVersion: z.literal('batch/v1'),
  kind: z.literal('CronJob'),
  spec: z.object({
    schedule: z.string().regex(/^(\S+ ){4}\S+$/),
    concurrencyPolicy: z.literal('Forbid'),
    jobTemplate: z.object({
      spec: z.object({
        template: z.object({
          spec: z.object({
            restartPolicy: z.enum(['Never', 'OnFailure']),
            initContainers: z.array(container),
            containers: z.array(container).min(1),
            volumes: z.array(z.object({ name: z.string() })),
          }),
        }),
      }),
    }),
  }),
});

describe('the Kubernetes CronJob', () => {
  it('is valid, and its commands do the work', async () => {
    const manifest = cronJob.parse(
      parse(await readFile(join(DEPLOY, 'kubernetes/cronjob.yaml'), 'utf8'), { merge: true }),
    );
    const { initContainers, containers, volumes } = manifest.spec.jobTemplate.spec.template.spec;
    const [mount] = containers[0]?.volumeMounts ?? [];
    expect(volumes.map(({ name }) => name)).toContain(mount?.name);
    expect(containers[0]?.env).toContainEqual({
      name: 'CHRONIK_DATA_DIR',
      value: mount?.mountPath,
    });
    for (const { args } of [...initContainers, ...containers]) {
      await run(join(bin, 'segctl'), args, { env: cleanEnv({ CHRONIK_DATA_DIR: node.dataDir }) });
    }
    expect(await node.segmentIds()).toHaveLength(19);
    expect((await node.files()).filter((file) => file.startsWith('.segctl-trash/'))).toHaveLength(
      1,
    );
  });
});

describe('the crontab line', () => {
  it('is executed by sh as cron does it, and says nothing', async () => {
    const text = await readFile(join(DEPLOY, 'cron/segctl'), 'utf8');
    const line = text.split('\n').find((one) => /^[\d*]/.test(one)) ?? '';
    const [, user, command = ''] = /^(?:\S+ ){5}(\S+) (.*)$/.exec(line) ?? [];
    expect(user).toBe('chronik');
    // crontab(5): an unescaped % ends the command.
    expect(command.replaceAll('\\%', '')).not.toContain('%');
    expect(await shell(command.replaceAll('\\%', '%'))).toBe('');
    expect(await node.segmentIds()).toHaveLength(19);
  });
});

describe('the systemd units', () => {
  it('are well-formed, and their commands do the work', async () => {
    const service = await readFile(join(DEPLOY, 'systemd/segctl-compact.service'), 'utf8');
    const commands = [...service.matchAll(/^ExecStart=\/usr\/bin\/(.*)$/gm)].map(
      ([, line]) => line ?? '',
    );
    expect(commands).toHaveLength(2);
    const metrics = join(node.dataDir, 'segctl.prom');
    for (const command of commands) {
      const here = command.replaceAll('%%', '%').replace(/\/var\/lib\/node_exporter\/\S+/, metrics);
      await shell(here);
    }
    expect(await node.segmentIds()).toHaveLength(19);
    expect(await readFile(metrics, 'utf8')).toContain('segctl_compaction_last_run_exit_code 0');
    const timer = await readFile(join(DEPLOY, 'systemd/segctl-compact.timer'), 'utf8');
    expect(timer).toMatch(/^OnCalendar=\*-\*-\* \d\d:\d\d:\d\d$/m);
    expect(timer).toContain('WantedBy=timers.target');
    for (const [, section] of (service + timer).matchAll(/^\[(.*)\]$/gm)) {
      expect(['Unit', 'Service', 'Timer', 'Install']).toContain(section);
    }
  });

  it('pass systemd-analyze where there is one', async () => {
    const found = await run('systemd-analyze', ['--version']).then(
      () => true,
      () => false,
    );
    const files = ['segctl-compact.service', 'segctl-compact.timer'].map((name) =>
      join(DEPLOY, 'systemd', name),
    );
    const verdict = found
      ? await run('systemd-analyze', ['verify', '--man=no', ...files]).then(
          ({ stderr }) => stderr,
          (error: { stderr: string }) => error.stderr,
        )
      : '';
    // The program itself and the services around it are not installed where tests run.
    const complaints = verdict
      .split('\n')
      .filter((line) => /segctl-compact/.test(line) && !/not executable|No such file/.test(line));
    expect(complaints).toEqual([]);
  });
});
