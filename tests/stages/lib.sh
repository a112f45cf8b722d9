# shellcheck shell=bash
# For the stages of ./check: results, one a line, and the closing line. The stages get TOP, BUILD_ROOT (its folders
# plain, asan, tsan, fuzz are builds) and TMPDIR, a folder of their own; their argument is the variant.

passed=0 failed=0 skipped=0

ok() { passed=$((passed + 1)); echo "ok $*"; }
fail() { failed=$((failed + 1)); echo "FAIL $*"; }
skip() { skipped=$((skipped + 1)); echo "skip $*"; }

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
	exit
}

# How the sanitizers of a variant report.
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=second_deadlock_stack=1:exitcode=66
export LSAN_OPTIONS=report_objects=1

# Hands over to another program that prints such lines itself, or skips the stage when it is not there.
hand_over() { # NAME PROGRAM ARGUMENT...
	local name=$1 program=$2
	shift 2
	if [ ! -x "$program" ]; then
		skip "$name: there is no ${program#"$TOP/"}"
		finish
	fi
	exec "$program" "$@"
}
