#!/bin/sh
# Runs the parts of a bundle made by gpu-bundle.mjs on a machine with a card: gpu-run.sh [--tiny] [PART...]
#
# Each part is a process of its own with its own time; none stops the next. Its line of JSON goes to $OUT (default: results) at once, and long
# parts write what they know as they go ("unfinished"), so a run that is killed keeps its results. All parts together stay within BUDGET seconds
# (default 480): what does not fit any more is said, not begun. Parts that are named are run alone, so a long list can be run in several
# visits; "first" and "second" are two lists, for 480 and 300 seconds, the most telling parts first, that leave nothing out but the other three
# quarters of the conformance suite (conformance-2, -3, -4). What was not run, and why, is said at the end and in $OUT/summary.txt.
# Exit status: how many parts failed.
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
: >"$out/summary.txt"

# note PART WHAT BECAME OF IT
note() { name=$1; shift; printf '%-16s %s\n' "$name" "$*" >>"$out/summary.txt"; }

left() { echo $((budget - $(date +%s) + start)); }

# limited SECONDS COMMAND...: with what is left, if that is less.
limited() {
  seconds=$1; shift
  rest=$(left)
  [ "$rest" -lt "$seconds" ] && seconds=$rest
  # 125: not begun.
  if [ "$seconds" -lt 5 ]; then echo "not begun: no time is left" >&2; return 125; fi
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
  case $status in
    0) note "$name" "ran" ;;
    125) note "$name" "not run: no time was left of $budget s" ;;
    124 | 137) note "$name" "ended after $seconds s, its time; what it knew by then is in $name*.json" ;;
    *) note "$name" "failed with status $status, see $name.log" ;;
  esac
}

peer() {
  name=$1; seconds=$2
  echo "== peer of $name"
  # shellcheck disable=SC2086
  limited "$seconds" "$python" "$here/peers.py" "$name" $tiny >"$out/peer-$name.json" 2>"$out/peer-$name.log"
  status=$?
  if [ -s "$out/peer-$name.json" ]; then
    tail -c 600 "$out/peer-$name.json"
    note "peer of $name" "ran"
  else
    echo "   not measured"
    note "peer of $name" "not measured, status $status: $(tail -n 1 "$out/peer-$name.log" | cut -c 1-100)"
  fi
}

# memcheck and racecheck on a subset of the conformance suite: small arrays, for each launch takes a hundred times as long.
sanitizer() {
  tool=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer /opt/cuda/bin/compute-sanitizer 2>/dev/null | tail -1)
  if [ -z "$tool" ]; then echo '{"part":"sanitizer","skipped":"there is no compute-sanitizer"}' | tee "$out/sanitizer.json"; note sanitizer "not run: there is no compute-sanitizer"; return; fi
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
    if [ $status -eq 125 ]; then note $check "not run: no time was left of $budget s"; else note $check "ran, clean: $clean"; fi
    echo "{\"part\":\"$check\",\"status\":$status,\"clean\":$clean}" | tee "$out/$check.json"
  done
}

all="probe hard conformance hvp-mlp hvp-small hvp-resnet slq bandwidth bessel sinkhorn steps sanitizer"
first="probe hard conformance hvp-mlp hvp-small bandwidth sanitizer"
second="hvp-resnet slq sinkhorn bessel steps"
for name in $(for word in ${*:-$all}; do case $word in first) echo "$first" ;; second) echo "$second" ;; *) echo "$word" ;; esac; done); do
  case $name in
    probe) part probe 30 ;;
    hard) part hard 100 ;;
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
# What this list leaves out.
for name in $all conformance-2 conformance-3 conformance-4; do
  case $name in sanitizer) done=racecheck ;; *) done=$name ;; esac
  grep -q "^\($name\|$done\) " "$out/summary.txt" || note "$name" "not run: it was not asked for"
done
echo "== summary"
cat "$out/summary.txt"
echo "$failed failed, $(($(date +%s) - start)) s; results are in $out"
exit $failed
