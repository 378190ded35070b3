#!/bin/sh
# Fuzzes longer than CI does, each night from another seed. The seed is printed with every failure,
# and SEGCTL_FUZZ_SEED repeats it.
set -eu
cd "$(dirname "$0")/.."
export SEGCTL_FUZZ="${SEGCTL_FUZZ:-1000000}"
export SEGCTL_FUZZ_SEED="${SEGCTL_FUZZ_SEED:-$(date +%Y%m%d)}"
export SEGCTL_GC_RUNS="${SEGCTL_GC_RUNS:-10000}"
exec npx vitest run test/fuzz test/core/gc --testTimeout=43200000
