#!/bin/sh
# Runs the spikes and scores their predictions:  experiments/spike_recovery/run.sh [--quick] [--out DIR] [PROBLEM ...]
# PROBLEM: digits (default) | mnist | mushrooms. --quick: one seed and one size. GRADQUAKE: the program (default
# build/release/gradquake). GRADQUAKE_DATA: the folder that holds mnist/ and libsvm/ (default data).
set -eu
here=$(dirname "$0")
program=${GRADQUAKE:-build/release/gradquake}
data=${GRADQUAKE_DATA:-data}
out=runs/spike_recovery
seeds="1 2 3 4 5"
quick=
problems=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1 seeds=1 ;;
    --out) out=$2; shift ;;
    digits|mnist|mushrooms) problems="$problems $1" ;;
    *) echo "run.sh: expected --quick, --out DIR, digits, mnist or mushrooms, got $1" >&2; exit 2 ;;
  esac
  shift
done

for problem in ${problems:-digits}; do
  case $problem in
    digits) config=digits_mlp.yaml path=null learn=600 rates="0.01 0.05 0.15" forward="3 10 30" backward="1 3 10" ;;
    mnist) config=mnist_cnn.yaml path=$data/mnist learn=300 rates="0.01 0.05 0.15" forward="0.5 2 8" backward="0.1 0.3 1" ;;
    mushrooms) config=mushrooms_logistic.yaml path=$data/libsvm/mushrooms learn=0 rates="0.12 0.3 0.7" forward="3 10 30" backward="3 10 30" ;;
  esac
  run() {  # NAME KEY=VALUE ...
    [ "$path" = null ] || set -- "$@" "data.path=$path"
    name=$1 && shift
    "$program" train "$here/$config" "run.out=$out/$problem/$(dirname "$name")" "run.name=$(basename "$name")" "$@" \
      --overwrite --json >"$out/$problem.log" 2>&1 || { tail -n 1 "$out/$problem.log" >&2; exit 1; }
  }
  mkdir -p "$out"
  for seed in $seeds; do
    weights=null
    if [ $learn != 0 ]; then
      run "learned/seed-$seed" "run.seed=$seed" "run.steps=$learn" optimizer.learning_rate=0.1 "perturbations=[]" \
        "monitor.curvature.at=[]"
      weights=$out/$problem/learned/seed-$seed/weights.safetensors
    fi
    for rate in $rates; do
      for direction in forward backward; do
        eval "sizes=\$$direction"
        [ -z "$quick" ] || sizes=$(echo "$sizes" | cut -d' ' -f2)
        for size in $sizes; do
          run "gamma-$rate/$direction/size-$size-seed-$seed" "run.seed=$seed" "model.weights=$weights" \
            "optimizer.learning_rate=$rate" "perturbations.0.direction=$direction" "perturbations.0.scale=$size"
        done
      done
    done
  done
  set -- "$out/$problem"/gamma-*/*
  "$program" theory score "$@" | tee "$out/$problem/score.txt"
  "$program" theory score --json "$@" >"$out/$problem/score.json"
done
