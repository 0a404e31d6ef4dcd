#!/bin/sh
# Runs the parts of a bundle made by gpu-bundle.mjs on a machine with a card: gpu-run.sh [--tiny] [PART...]
#
# Each part is a process of its own with its own time; none stops the next. Its line of JSON goes to $OUT (default: results) at once. All parts
# together stay within BUDGET seconds (default 480): what does not fit any more is said, not begun. Parts that are named are run alone,
# so a long list can be run in several visits; "first" and "second" are two lists, for 480 and 300 seconds, that leave nothing out but the
# other three quarters of the conformance suite (conformance-2, -3, -4). Exit status: how many parts failed.
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-results}
budget=${BUDGET:-480}
tiny=
[ "$1" = --tiny ] && { tiny=--tiny; shift; }
mkdir -p "$out" || exit 1
node=$(command -v node || true)
if [ -f "$here/node.gz" ]; then
  unpacked=$(mktemp -d) || exit 1
  trap 'rm -rf "$unpacked"' EXIT
  gzip -dc "$here/node.gz" >"$unpacked/node" && chmod +x "$unpacked/node" && node="$unpacked/node"
fi
[ -n "$node" ] || { echo "there is no node; make the bundle with --node" >&2; exit 1; }
python=${PYTHON:-python3}
start=$(date +%s)
failed=0

left() { echo $((budget - $(date +%s) + start)); }

# limited SECONDS COMMAND...: with what is left, if that is less.
limited() {
  seconds=$1; shift
  rest=$(left)
  [ "$rest" -lt "$seconds" ] && seconds=$rest
  if [ "$seconds" -lt 5 ]; then echo "not begun, no time is left: $*" | tee -a "$out/not-begun.txt"; return 1; fi
  timeout -k 5 "$seconds" "$@"
}

part() {
  name=$1; seconds=$2; shift 2
  # What is tiny is a test, which a busy machine may take its time for.
  [ -n "$tiny" ] && seconds=$budget
  echo "== $name, at most $seconds s"
  # shellcheck disable=SC2086 -- $tiny is a flag or nothing.
  limited "$seconds" "$node" "$here/curv-gpu.mjs" "$name" $tiny --limit $((seconds - 5)) --out "$out" "$@" >"$out/$name.log" 2>&1
  status=$?
  [ $status -eq 0 ] || failed=$((failed + 1))
  echo "   status $status: $(tail -c 600 "$out/$name.log")"
}

peer() {
  name=$1; seconds=$2
  echo "== peer of $name"
  # shellcheck disable=SC2086
  limited "$seconds" "$python" "$here/peers.py" "$name" $tiny >"$out/peer-$name.json" 2>"$out/peer-$name.log"
  if [ -s "$out/peer-$name.json" ]; then tail -c 600 "$out/peer-$name.json"; else echo "   not measured"; fi
}

# memcheck and racecheck on a subset of the conformance suite: small arrays, for each launch takes a hundred times as long.
sanitizer() {
  tool=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer /opt/cuda/bin/compute-sanitizer 2>/dev/null | tail -1)
  if [ -z "$tool" ]; then echo '{"part":"sanitizer","skipped":"there is no compute-sanitizer"}' | tee "$out/sanitizer.json"; return; fi
  for check in memcheck racecheck; do
    only=tanh,add,dot,sum,scatterAdd,gather,sort,cumsum,threefry,windowSum
    [ $check = racecheck ] && only=sum,max,argMax,dot
    # 9 is what the sanitizer returns if it found something.
    limited 110 "$tool" --tool $check --error-exitcode 9 --print-limit 20 \
      "$node" "$here/curv-gpu.mjs" conformance $tiny --only $only --limit 90 --out "$out/$check" >"$out/$check.log" 2>&1
    status=$?
    clean=false
    grep -q "ERROR SUMMARY: 0 errors\|RACECHECK SUMMARY: 0 hazards" "$out/$check.log" && clean=true
    [ $clean = true ] || failed=$((failed + 1))
    echo "{\"part\":\"$check\",\"status\":$status,\"clean\":$clean}" | tee "$out/$check.json"
  done
}

all="probe hard conformance hvp-mlp hvp-small hvp-resnet slq bandwidth bessel sinkhorn steps sanitizer"
first="probe hard conformance hvp-mlp hvp-small bandwidth sanitizer"
second="hvp-resnet slq sinkhorn bessel steps"
for name in $(for word in ${*:-$all}; do case $word in first) echo "$first" ;; second) echo "$second" ;; *) echo "$word" ;; esac; done); do
  case $name in
    probe) part probe 30 ;;
    hard) part hard 75 ;;
    # One shard of four, in about the time that there is; the others: conformance-2, -3, -4.
    conformance) part conformance 120 --shard 1/4 ;;
    conformance-*) part conformance 400 --shard "${name#conformance-}/4" ;;
    hvp-mlp | hvp-resnet | hvp-small | slq) part "$name" 70; peer "$name" 60 ;;
    bandwidth | sinkhorn) part "$name" 60; peer "$name" 40 ;;
    bessel) part bessel 60; peer bessel 40 ;;
    steps) part steps 90 ;;
    sanitizer) sanitizer ;;
    *) echo "there is no part $name; there are: $all, conformance-1 to -4, first, second" >&2; failed=$((failed + 1)) ;;
  esac
done
echo "$failed failed, $(($(date +%s) - start)) s; results are in $out"
exit $failed
