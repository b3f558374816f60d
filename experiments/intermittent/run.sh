#!/bin/sh
# How rarely a burst must come, over its size and over the length of the run:  experiments/intermittent/run.sh [--quick]
# Writes runs/intermittent-<activation>-<burst>-compare and runs/intermittent-<falling|fixed>-<burst>-<steps>-compare.
# --quick: one site, one short search. GRADQUAKE: the program (default build/release/gradquake).
set -eu
here=$(dirname "$0")
program=${GRADQUAKE:-build/release/gradquake}

# NAME ACTIVATION BURST STEPS LEARNING_RATE [SEEDS [SITES]]
budget() {
  "$program" compare "$here/digits.yaml" --only budget --jobs 1 "run.name=intermittent-$1" "model.activation=$2" \
    "run.steps=$4" "optimizer.learning_rate=$5" "compare.at=[0, $4]" "compare.sites='${7:-*}'" \
    "compare.budget={cost: 0.2, steps: $4, seeds: ${6:-6}, burst: $3}"
}

case ${1:-} in
  '') ;;
  --quick) budget quick relu 16 128 0.1 3 layers.0; exit ;;
  *) echo "run.sh: expected --quick, got $1" >&2; exit 2 ;;
esac

# Lengths are powers of two, so that the last burst comes n/2 steps before the end whatever the interval n.
for burst in 1 2 4 8; do budget "relu-$burst" relu "$burst" 256 0.2; done
for burst in 2 8; do budget "gelu-$burst" gelu "$burst" 256 0.2; done
# 256 steps at 0.2 stand above. falling: learning rate 0.2 sqrt(256 / steps).
for burst in 2 4; do
  for pair in 128:0.2828427 512:0.1414214; do
    budget "falling-$burst-${pair%:*}" relu "$burst" "${pair%:*}" "${pair#*:}"
  done
done
for steps in 128 512; do budget "fixed-4-$steps" relu 4 "$steps" 0.2; done
