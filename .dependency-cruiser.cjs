/** Imports point one way: bin -> main -> commands -> core -> storage interface. */
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment:
        'A circle of imports has no part that can be loaded or moved alone. Types and what is imported when it is needed close no circle.',
      severity: 'error',
      from: {},
      to: {
        circular: true,
        viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] },
      },
    },
    {
      name: 'core-knows-the-store-by-its-interface',
      comment:
        'The engine runs on any store and on none: it may know the interface and how keys compare, nothing else outside.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: {
        path: '^(src|bin)/',
        pathNot: ['^src/core/', '^src/storage/(object-store|canonical-key)\\.ts$'],
      },
    },
    {
      name: 'core-does-no-io',
      comment:
        'Planners and codecs take values and give values, so that they can be tested on all inputs and reused anywhere.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: {
        dependencyTypes: ['core'],
        path: '^(node:)?(fs|fs/promises|net|tls|http|https|http2|dns|child_process|worker_threads|process|os|readline)$',
      },
    },
    {
      name: 'adapters-hang-off-the-side',
      comment: 'A store adapter serves core; it knows no command, no screen and no settings file.',
      severity: 'error',
      from: { path: '^src/storage/' },
      to: { path: '^src/(commands|ui|config|context|main|io)' },
    },
    {
      name: 'ui-renders-values',
      comment: 'What is shown is a value when it gets here: ui reads no store and runs no command.',
      severity: 'error',
      from: { path: '^src/ui/' },
      to: { path: '^src/(commands|storage|config|context|main)' },
    },
    {
      name: 'nothing-imports-main',
      comment: 'main is where the process begins; what two parts share belongs below it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'commands-are-wired-once',
      comment: 'Only the command tree and main may know commands: context and config serve them.',
      severity: 'error',
      from: { path: '^src/(core|storage|ui|config|context|io)' },
      to: { path: '^src/commands/' },
    },
    {
      name: 'product-needs-no-tests',
      comment: 'What ships must not depend on what is not shipped.',
      severity: 'error',
      from: { path: '^(src|bin)/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no-dev-dependencies-in-product',
      comment: 'A user installs the dependencies alone.',
      severity: 'error',
      from: { path: '^(src|bin)/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'npm'],
      },
    },
    {
      name: 'sdk-stays-in-the-s3-adapter',
      comment: 'Every other part would tie the program, and its start, to one vendor.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/storage/s3/' },
      to: { path: '@aws-sdk|@smithy', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.d.ts'],
    },
  },
};
