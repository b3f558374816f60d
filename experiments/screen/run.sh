#!/bin/sh
# Screens and probes networks of ten sites and more:  experiments/screen/run.sh [--quick] [digits] [transformer] [resnet]
# Writes runs/screen-*-compare. --quick: digits with gelu alone, few draws. GRADQUAKE: the program (default build/release/gradquake). GRADQUAKE_DATA: the folder that
# holds mnist/ and tinyshakespeare/ (default data).
set -eu
here=$(dirname "$0")
program=${GRADQUAKE:-build/release/gradquake}
data=${GRADQUAKE_DATA:-data}
activations="relu gelu"
draws='screen: {batches: 8}, probe: {batches: 8, repeats: [4, 8]}'
if [ "${1:-}" = --quick ]; then
  activations=gelu
  draws='screen: {batches: 2, vectors: [8, 8]}, probe: {batches: 2, repeats: [2, 2]}'
  shift
fi
few='{at: [0], sites: "*", kinds: [{kind: gaussian}], relative_sizes: [0.01, 0.1], one_out: false'
for network in ${*:-digits}; do
  case $network in
    digits)
      hidden=$(printf '64, %.0s' $(seq 16))
      for activation in $activations; do
        "$program" compare "$here/../forward_vs_backward/digits.yaml" --only probe "run.name=screen-digits-$activation" \
          "model={kind: mlp, widths: [64, ${hidden}10], activation: $activation}" \
          "compare=$few, $draws}"
      done ;;
    transformer)
      "$program" compare "$here/../../configs/shakespeare_transformer.yaml" --only probe run.name=screen-transformer \
        "data.path=$data/tinyshakespeare/input.txt" data.batch_size=8 'perturbations=[]' \
        "compare=$few, screen: {batches: 4, vectors: [8, 32]}, probe: {batches: 4, repeats: [2, 4]}}" ;;
    resnet)
      "$program" compare "$here/../../configs/mnist_resnet20.yaml" --only probe run.name=screen-resnet \
        "data.path=$data/mnist" data.batch_size=8 'perturbations=[]' \
        "compare=$few, screen: {batches: 4, vectors: [8, 32]}, probe: {batches: 4, repeats: [2, 4]}}" ;;
    *) echo "run.sh: expected digits, transformer or resnet, got $network" >&2; exit 2 ;;
  esac
done
