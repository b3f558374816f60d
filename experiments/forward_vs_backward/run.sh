#!/bin/sh
# Compares directions over depth and activation:  experiments/forward_vs_backward/run.sh [--quick | --networks DATA]
# Writes runs/depth-<activation>-<hidden layers>-compare. --quick: two hidden layers alone, few draws. --networks: the
# CNN and the transformer instead, with the folder that holds mnist/ and tinyshakespeare/ (default data). GRADQUAKE: the
# program (default build/release/gradquake).
set -eu
here=$(dirname "$0")
program=${GRADQUAKE:-build/release/gradquake}
depths="2 4 8 16"
quick=
case ${1:-} in
  '') ;;
  --quick) quick=1 depths=2 ;;
  --networks)
    data=${2:-data}
    "$program" compare "$here/cnn.yaml" "data.path=$data/mnist"
    "$program" compare "$here/transformer.yaml" "data.path=$data/tinyshakespeare/input.txt"
    exit ;;
  *) echo "run.sh: expected --quick or --networks, got $1" >&2; exit 2 ;;
esac
for activation in relu gelu; do
  for depth in $depths; do
    hidden=$(printf '64, %.0s' $(seq "$depth"))
    set -- "$here/digits.yaml" "run.name=depth-$activation-$depth" \
      "model={kind: mlp, widths: [64, ${hidden}10], activation: $activation}"
    [ -z "$quick" ] || set -- "$@" 'compare.probe={batches: 2, repeats: [2, 2]}' 'compare.outcome={steps: 60, seeds: [2, 2]}'
    "$program" compare "$@"
  done
done
