#!/bin/sh
# Compares the formats:  experiments/formats/run.sh [--quick] [digits] [mnist]
# Writes runs/formats-*-compare. --quick: two seeds and three formats. GRADQUAKE: the program (default
# build/release/gradquake). GRADQUAKE_DATA: the folder that holds mnist/ (default data).
set -eu
here=$(dirname "$0")
program=${GRADQUAKE:-build/release/gradquake}
quick=
networks=
for argument; do
  case $argument in
    --quick) quick=1 ;;
    digits|mnist) networks="$networks $argument" ;;
    *) echo "run.sh: expected --quick, digits or mnist, got $argument" >&2; exit 2 ;;
  esac
done
for network in ${networks:-digits}; do
  case $network in
    digits) set -- "$here/digits.yaml" ;;
    mnist) set -- "$here/mnist_cnn.yaml" "data.path=${GRADQUAKE_DATA:-data}/mnist" ;;
  esac
  [ -z "$quick" ] || set -- "$@" 'compare.outcome={steps: 60, seeds: [2, 2]}' 'compare.probe={batches: 2, repeats: [2, 2]}' \
    'compare.kinds=[{kind: round, format: bf16}, {kind: round, format: e4m3fn}, {kind: round, format: e4m3fn, rounding: stochastic}]'
  "$program" compare "$@"
done
